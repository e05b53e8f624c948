//! Values in the shapes that tables expect: a text, a list of texts, a map; and any value, as long as
//! it has one reading.

use super::{Judge, key_step};
use crate::admission::finding::Step;
use crate::admission::json::{self, Json, Keys};

impl Judge<'_> {
    /// Sees to it that a value nobody asks anything of has one reading.
    pub fn read_once(&mut self, value: &Json<'_>, keys: Keys) {
        match value {
            Json::Object(entries) => {
                if let Some(key) = json::repeated(entries, keys) {
                    self.repeated(key);
                }
                for (_, value) in entries {
                    self.read_once(value, Keys::Folded);
                }
            }
            Json::List(values) => {
                for value in values {
                    self.read_once(value, Keys::Folded);
                }
            }
            Json::Null | Json::Bool(_) | Json::Integer(_) | Json::Number | Json::Text(_) => {}
        }
    }

    /// Does something with a text; null says nothing.
    pub fn text(&mut self, value: &Json<'_>, then: impl FnOnce(&mut Self, &str)) {
        match value {
            Json::Null => {}
            Json::Text(text) => then(self, text),
            Json::Bool(_) | Json::Integer(_) | Json::Number | Json::List(_) | Json::Object(_) => {
                self.bad_value(value, "is no text");
            }
        }
    }

    /// Does something with each text of a list, or with the one text that stands for it.
    pub fn each_text(&mut self, value: &Json<'_>, mut then: impl FnMut(&mut Self, &str)) {
        match value {
            Json::Null => {}
            Json::Text(text) => then(self, text),
            Json::List(values) => {
                for (index, value) in values.iter().enumerate() {
                    if self.is_decided() {
                        break;
                    }
                    self.step(Step::Index(index), |judge| match value {
                        Json::Text(text) => then(judge, text),
                        Json::Null => then(judge, ""),
                        Json::Bool(_)
                        | Json::Integer(_)
                        | Json::Number
                        | Json::List(_)
                        | Json::Object(_) => judge.bad_value(value, "is no text"),
                    });
                }
            }
            Json::Bool(_) | Json::Integer(_) | Json::Number | Json::Object(_) => {
                self.bad_value(value, "is no list of texts");
            }
        }
    }

    /// Does something with each entry of a map.
    pub fn each_entry(
        &mut self,
        value: &Json<'_>,
        mut then: impl FnMut(&mut Self, &str, &Json<'_>),
    ) {
        match value {
            Json::Null => {}
            Json::Object(entries) => {
                if let Some(key) = json::repeated(entries, Keys::Exact) {
                    self.repeated(key);
                }
                for (key, value) in entries {
                    if self.is_decided() {
                        break;
                    }
                    self.step(key_step(key), |judge| then(judge, key, value));
                }
            }
            Json::Bool(_) | Json::Integer(_) | Json::Number | Json::Text(_) | Json::List(_) => {
                self.bad_value(value, "is no map");
            }
        }
    }
}

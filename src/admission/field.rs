//! The words of the tables: what a line says of a field.

use super::json::Json;
use super::judge::Judge;
use super::variable::Variable;

/// One field of an object, or one parameter of a query.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    /// The daemon's name for it.
    pub name: &'static str,
    /// What is asked of its value.
    pub rule: Rule,
    /// The variable that opens what the rule withholds.
    pub opens: Option<Variable>,
    /// Why it is withheld: what a client would gain, said as `FIELD "VALUE" ...`. For what is
    /// harmless, nothing.
    pub reason: &'static str,
}

/// What is asked of a value. Absent and null are always fine: they are the daemon's defaults.
#[derive(Clone, Copy, Debug)]
pub enum Rule {
    /// Nothing; objects inside are read as structs.
    Harmless,
    /// Nothing, and it is a map: its keys are exact.
    HarmlessMap,
    /// An object whose fields have rules of their own.
    Object(&'static Object),
    /// A list, each element of which is asked that.
    Each(&'static Rule),
    /// A map, each value of which is asked that.
    Values(&'static Rule),
    /// It is false, or the variable is on.
    Off,
    /// It is empty, or the variable is on or allows everything; objects are read as structs.
    Empty,
    /// It is empty, one of these, or an item of the variable's list.
    Word(&'static [&'static str]),
    /// So is each element; one text stands for a list of one.
    Words(&'static [&'static str]),
    /// So is each key of the map.
    Keys(&'static [&'static str]),
    /// What this decides.
    By(fn(&mut Judge<'_>, &Json<'_>)),
}

/// A struct of the daemon's.
#[derive(Clone, Copy, Debug)]
pub struct Object {
    /// Its fields, best in the order in which clients send them.
    pub fields: &'static [Field],
    /// Structs whose fields the daemon finds here too (Go embeds them).
    pub embeds: &'static [&'static Object],
    /// What is asked of the object as a whole, once its fields have been judged.
    pub then: Option<fn(&mut Judge<'_>, &Json<'_>)>,
}

impl Object {
    /// A struct whose fields say everything.
    #[must_use]
    pub const fn of(fields: &'static [Field]) -> Self {
        Self { fields, embeds: &[], then: None }
    }

    /// The same with a question about the whole.
    #[must_use]
    pub const fn then(self, then: fn(&mut Judge<'_>, &Json<'_>)) -> Self {
        Self { then: Some(then), ..self }
    }

    /// The same with the fields of other structs.
    #[must_use]
    pub const fn embeds(self, others: &'static [&'static Object]) -> Self {
        Self { embeds: others, ..self }
    }
}

/// A field that can do no harm.
#[must_use]
pub const fn harmless(name: &'static str) -> Field {
    Field { name, rule: Rule::Harmless, opens: None, reason: "" }
}

/// A map that can do no harm.
#[must_use]
pub const fn harmless_map(name: &'static str) -> Field {
    Field { name, rule: Rule::HarmlessMap, opens: None, reason: "" }
}

/// A field whose parts decide.
#[must_use]
pub const fn inside(name: &'static str, rule: Rule) -> Field {
    Field { name, rule, opens: None, reason: "" }
}

/// A field that `opens` may open.
#[must_use]
pub const fn examined(
    name: &'static str,
    rule: Rule,
    opens: Variable,
    reason: &'static str,
) -> Field {
    Field { name, rule, opens: Some(opens), reason }
}

//! The instruction budget's file and judgement (`make instructions` measures): what is over the
//! budget fails, and so does a file that does not say what the budget is.

#[path = "../benches/peers/budget.rs"]
mod budget;

use budget::{Budget, Circumstance, Count, TOLERANCE_PERCENT, Verdict, judge};

const CIRCUMSTANCES: [&str; 2] = ["rustc", "libc"];
const WORKLOADS: [&str; 2] = ["ping", "echo"];
const WHOLE: &str =
    "# a comment\n\nrustc = 1.95.0 (a date)\nlibc=glibc 2.36\nping = 8200\necho = 12";

fn read(text: &str) -> Result<Budget, String> {
    Budget::parse(text, &CIRCUMSTANCES, &WORKLOADS)
}

#[test]
fn a_count_within_three_percent_over_its_budget_is_kept_and_one_above_that_is_not() {
    assert_eq!(TOLERANCE_PERCENT, 3);
    for kept in [10_000, 10_299, 10_300, 9_700] {
        assert_eq!(judge(kept, 10_000), Verdict::Kept, "{kept}");
    }
    for exceeded in [10_301, 10_310, 20_000, u64::MAX] {
        assert_eq!(judge(exceeded, 10_000), Verdict::Exceeded, "{exceeded}");
    }
}

#[test]
fn a_count_more_than_three_percent_below_its_budget_is_told_apart() {
    for undercut in [9_699, 1, 0] {
        assert_eq!(judge(undercut, 10_000), Verdict::Undercut, "{undercut}");
    }
}

#[test]
fn a_budget_of_a_few_instructions_is_judged_without_rounding() {
    assert_eq!(judge(33, 33), Verdict::Kept);
    assert_eq!(judge(34, 33), Verdict::Exceeded);
    assert_eq!(judge(32, 33), Verdict::Undercut);
}

#[test]
fn a_file_is_read_with_comments_and_blanks_left_out() {
    let budget = read(WHOLE).expect("a budget");
    assert_eq!(budget.of("ping"), Some(8200));
    assert_eq!(budget.of("echo"), Some(12));
    assert_eq!(budget.of("create"), None);
    assert_eq!(budget.circumstances[0].value, "1.95.0 (a date)");
}

#[test]
fn a_file_that_lacks_a_line_is_refused_and_the_line_named() {
    for missing in ["rustc", "libc", "ping", "echo"] {
        let lines = WHOLE.lines().filter(|line| !line.starts_with(missing));
        let text = lines.collect::<Vec<_>>().join("\n");
        assert_eq!(read(&text), Err(format!("there is no line for {missing}")));
    }
}

#[test]
fn a_line_that_means_nothing_is_refused_with_its_number() {
    for (line, complaint) in [
        ("pong = 1", "line 7: there is no workload pong"),
        ("ping 1", "line 7: not `name = value`: ping 1"),
        ("ping = 1", "line 7: ping stands there twice"),
        ("rustc = 1", "line 7: rustc stands there twice"),
    ] {
        assert_eq!(read(&format!("{WHOLE}\n{line}\n")), Err(complaint.to_owned()));
    }
}

#[test]
fn a_budget_that_is_no_number_above_zero_is_refused() {
    for value in ["", "0", "-1", "+1", "1.5", "8 200", "0x10", "99999999999999999999"] {
        let text = WHOLE.replace("8200", value);
        let complaint = format!("line 5: no number of instructions: {value}");
        assert_eq!(read(&text), Err(complaint), "{value:?}");
    }
}

#[test]
fn what_is_written_is_read_back() {
    let circumstance = |name, value: &str| Circumstance { name, value: value.to_owned() };
    let count = |workload, instructions| Count { workload, instructions };
    let written = Budget {
        circumstances: vec![circumstance("rustc", "1.95.0"), circumstance("libc", "glibc 2.36")],
        counts: vec![count("ping", 8200), count("echo", 2952)],
    };
    assert_eq!(read(&written.text()), Ok(written));
}

#[test]
fn another_compiler_is_named_and_the_same_one_is_not() {
    let budget = read(WHOLE).expect("a budget");
    let mut now = budget.circumstances.clone();
    assert_eq!(budget.differences(&now), Vec::<String>::new());
    now[0].value = "1.96.0".to_owned();
    assert_eq!(budget.differences(&now), ["rustc 1.95.0 (a date), here 1.96.0"]);
}

//! What scripts print with `print` and `debug`: shown by the tools that play one on this thread,
//! else a line for debugging in the log.

use std::cell::RefCell;

/// Longer ones are cut.
const LONGEST: usize = 200;

/// More lines are counted only.
const MOST: usize = 100;

thread_local! {
    static COLLECTED: RefCell<Option<Vec<String>>> = const { RefCell::new(None) };
}

/// Does `work` and gives what scripts printed on this thread meanwhile.
pub(crate) fn collect<T>(work: impl FnOnce() -> T) -> (T, Vec<String>) {
    let before = COLLECTED.replace(Some(Vec::new()));
    let done = work();
    let collected = COLLECTED.replace(before);
    (done, collected.unwrap_or_default())
}

/// What was collected since the last time, where something is collecting.
pub(crate) fn take() -> Vec<String> {
    COLLECTED.with_borrow_mut(|lines| lines.as_mut().map(std::mem::take).unwrap_or_default())
}

/// A script printed `text`.
pub(super) fn print(text: &str) {
    let line: String = text
        .chars()
        .filter(|letter| !letter.is_control())
        .take(LONGEST)
        .collect();
    COLLECTED.with_borrow_mut(|lines| match lines {
        Some(lines) if lines.len() < MOST => lines.push(line),
        Some(_) => {}
        None => tracing::debug!(text = line, "script print"),
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_printed_is_collected_where_somebody_asks_for_it() {
        print("for nobody");
        let ((), lines) = collect(|| {
            print("a\tb");
            assert_eq!(take(), ["ab"]);
            (0..=MOST).for_each(|_| print(&"x".repeat(LONGEST + 1)));
        });
        assert_eq!(lines.len(), MOST);
        assert_eq!(lines.first().map(String::len), Some(LONGEST));
        assert_eq!(take(), Vec::<String>::new());
    }
}

//! What was done, as it is done: a watcher that counts and keeps a progress bar.

use super::entra::{Operation, Record, Watch};
use indicatif::{ProgressBar, ProgressStyle};
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Tells how many calls the vendor has had.
pub type Meter = Box<dyn Fn() -> u64 + Send + Sync>;

/// Operations by kind, with the vendor calls each took.
///
/// A call counts for the operation that ends next. That is exact as long as operations of
/// different kinds do not overlap, which they do not in a cycle.
pub struct Ledger {
    meter: Meter,
    book: Mutex<Book>,
}

/// Everything done with one kind of operation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Account {
    /// How long each took.
    pub latencies: Vec<Duration>,
    /// Calls the vendor got for them.
    pub calls: u64,
    /// What went wrong, in the words of a provisioning log.
    pub failures: Vec<String>,
}

struct Book {
    accounts: BTreeMap<Operation, Account>,
    calls: u64,
    cycle: String,
    bar: ProgressBar,
}

impl Ledger {
    /// An empty one.
    pub fn new(meter: Meter) -> Self {
        let calls = meter();
        let book = Book {
            accounts: BTreeMap::new(),
            calls,
            cycle: String::new(),
            bar: ProgressBar::hidden(),
        };
        Self {
            meter,
            book: Mutex::new(book),
        }
    }

    /// From now on progress goes under this title.
    pub fn cycle(&self, title: &str) {
        self.book().cycle = title.to_owned();
    }

    /// Takes the progress bar away.
    pub fn done(&self) {
        self.book().bar.finish_and_clear();
    }

    /// The accounts so far.
    pub fn accounts(&self) -> BTreeMap<Operation, Account> {
        self.book().accounts.clone()
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Watch for Ledger {
    fn phase(&self, title: &str, objects: usize) {
        let mut book = self.book();
        book.bar.finish_and_clear();
        book.bar = bar(&format!("{}: {title}", book.cycle), objects);
    }

    fn object(&self) {
        self.book().bar.inc(1);
    }

    fn operation(&self, record: Record) {
        let calls = (self.meter)();
        let mut book = self.book();
        // Of two that end at once the later may come first; then the other's calls are none.
        let new = calls.saturating_sub(book.calls);
        book.calls = book.calls.max(calls);
        let account = book.accounts.entry(record.operation).or_default();
        account.latencies.push(record.latency);
        account.calls += new;
        account.failures.extend(record.failure);
    }
}

/// On standard error, and only on a terminal.
fn bar(title: &str, objects: usize) -> ProgressBar {
    let style = ProgressStyle::with_template("{msg:32} {bar:30} {pos}/{len}");
    ProgressBar::new(objects as u64)
        .with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
        .with_message(title.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};

    #[test]
    fn calls_count_for_the_operation_that_ends_next() {
        let calls = Arc::new(AtomicU64::new(7));
        let meter = calls.clone();
        let ledger = Ledger::new(Box::new(move || meter.load(Ordering::Relaxed)));
        let end = |operation, new, failure: Option<&str>| {
            calls.fetch_add(new, Ordering::Relaxed);
            ledger.operation(Record {
                operation,
                latency: Duration::from_millis(new),
                status: None,
                failure: failure.map(str::to_owned),
            });
        };
        end(Operation::CreateUser, 2, None);
        end(Operation::ReadUser, 0, None);
        end(Operation::CreateUser, 3, Some("status 409: taken"));
        let accounts = ledger.accounts();
        assert_eq!(accounts[&Operation::CreateUser].calls, 5);
        assert_eq!(
            accounts[&Operation::CreateUser].failures,
            ["status 409: taken"]
        );
        assert_eq!(accounts[&Operation::CreateUser].latencies.len(), 2);
        assert_eq!(accounts[&Operation::ReadUser].calls, 0);
    }
}

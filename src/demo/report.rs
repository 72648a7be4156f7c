//! What the vendor ended up with against what Entra wanted, and what it took.

use super::entra::Operation;
use super::ledger::Account;
use super::vendors::{Holdings, Row};
use crate::problem;
use crate::problem::Difference;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::Duration;

/// How many differences and failures are shown of each sort.
const SHOWN: usize = 20;

/// The result of a demo; displayed as plain aligned text.
#[derive(Clone, Debug)]
pub struct Report {
    /// The vendor's name for people.
    pub vendor: String,
    /// By sort of row: wanted, found.
    pub counts: BTreeMap<&'static str, (usize, usize)>,
    /// Every field that is not as wanted.
    pub differences: Vec<Difference>,
    /// What Entra does not read back as it wrote it, and so would send again in each cycle.
    pub unfaithful: Vec<Difference>,
    /// What was done.
    pub accounts: BTreeMap<Operation, Account>,
}

impl Report {
    /// Compares.
    pub fn new(
        vendor: &str,
        wanted: &Holdings,
        found: &Holdings,
        unfaithful: Vec<Difference>,
        accounts: BTreeMap<Operation, Account>,
    ) -> Self {
        Self {
            vendor: vendor.to_owned(),
            counts: counts(wanted, found),
            differences: differences(wanted, found),
            unfaithful,
            accounts,
        }
    }

    /// Whether the states are equal, Entra reads back what it wrote, and nothing failed.
    pub fn is_clean(&self) -> bool {
        self.differences.is_empty() && self.unfaithful.is_empty() && self.failures().count() == 0
    }

    fn failures(&self) -> impl Iterator<Item = String> {
        let failed = |(operation, account): (&Operation, &Account)| {
            let operation = *operation;
            let lines = account.failures.clone().into_iter();
            lines.map(move |failure| format!("{operation}: {failure}"))
        };
        self.accounts.iter().flat_map(failed)
    }
}

fn counts(wanted: &Holdings, found: &Holdings) -> BTreeMap<&'static str, (usize, usize)> {
    let mut counts = BTreeMap::<_, (usize, usize)>::new();
    for (sort, _) in wanted.keys() {
        counts.entry(*sort).or_default().0 += 1;
    }
    for (sort, _) in found.keys() {
        counts.entry(*sort).or_default().1 += 1;
    }
    counts
}

fn differences(wanted: &Holdings, found: &Holdings) -> Vec<Difference> {
    let keys: BTreeSet<_> = wanted.keys().chain(found.keys()).collect();
    let compare = |key: &(&str, String)| {
        let row = format!("{} {}", key.0, key.1);
        match (wanted.get(key), found.get(key)) {
            (Some(wanted), Some(found)) => compare_rows(&row, wanted, found),
            (Some(_), None) => vec![missing(&row)],
            (None, _) => vec![too_many(&row)],
        }
    };
    keys.into_iter().flat_map(compare).collect()
}

fn compare_rows(row: &str, wanted: &Row, found: &Row) -> Vec<Difference> {
    let fields = problem::differences(wanted, found)
        .into_iter()
        .map(|it| Difference {
            what: format!("{row}, {}", it.what),
            ..it
        });
    fields.collect()
}

/// A row that is not there and should be.
pub(super) fn missing(row: &str) -> Difference {
    whole(format!("{row} is missing"))
}

/// A row that is there and should not be.
pub(super) fn too_many(row: &str) -> Difference {
    whole(format!("{row} is too many"))
}

fn whole(what: String) -> Difference {
    Difference {
        what,
        expected: None,
        found: None,
    }
}

fn describe(difference: &Difference) -> String {
    let Difference {
        what,
        expected,
        found,
    } = difference;
    let text = |side: &Option<String>| side.clone().unwrap_or_default();
    match (expected, found) {
        (None, None) => what.clone(),
        _ => format!(
            "{what}: wanted {:?}, found {:?}",
            text(expected),
            text(found)
        ),
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} against what Entra wanted\n", self.vendor)?;
        writeln!(f, "{:<24}{:>8}{:>8}", "", "wanted", "found")?;
        for (sort, (wanted, found)) in &self.counts {
            writeln!(f, "{:<24}{wanted:>8}{found:>8}", format!("{sort}s"))?;
        }
        writeln!(
            f,
            "{:<24}{:>16}",
            "fields that differ",
            self.differences.len()
        )?;
        writeln!(
            f,
            "{:<24}{:>16}",
            "values not read back",
            self.unfaithful.len()
        )?;
        some(f, self.differences.iter().map(describe))?;
        some(f, self.unfaithful.iter().map(describe))?;
        writeln!(f)?;
        self.write_accounts(f)?;
        some(f, self.failures())?;
        let verdict = if self.is_clean() {
            "Equal."
        } else {
            "NOT EQUAL."
        };
        writeln!(f, "\n{verdict}")
    }
}

impl Report {
    fn write_accounts(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [count, failed, calls, each] = ["count", "failed", "vendor calls", "each"];
        write!(
            f,
            "{:<24}{count:>8}{failed:>8}{calls:>14}{each:>7}",
            "operation"
        )?;
        writeln!(f, "{:>9}{:>9}{:>9}", "p50 ms", "p95 ms", "p99 ms")?;
        let mut total = Account::default();
        for (operation, account) in &self.accounts {
            account.write(f, &operation.to_string())?;
            total.latencies.extend(&account.latencies);
            total.failures.extend(account.failures.iter().cloned());
            total.calls += account.calls;
        }
        total.write(f, "total")
    }
}

impl Account {
    fn write(&self, f: &mut fmt::Formatter<'_>, title: &str) -> fmt::Result {
        let count = self.latencies.len();
        let each = self.calls as f64 / count.max(1) as f64;
        let failed = self.failures.len();
        write!(
            f,
            "{title:<24}{count:>8}{failed:>8}{:>14}{each:>7.2}",
            self.calls
        )?;
        let mut sorted = self.latencies.clone();
        sorted.sort_unstable();
        for hundredths in [50, 95, 99] {
            let latency = percentile(&sorted, hundredths).as_secs_f64() * 1000.0;
            write!(f, "{latency:>9.1}")?;
        }
        writeln!(f)
    }
}

/// The value that so many hundredths do not exceed (nearest rank).
fn percentile(sorted: &[Duration], hundredths: usize) -> Duration {
    let rank = (sorted.len() * hundredths).div_ceil(100).max(1);
    sorted.get(rank - 1).copied().unwrap_or_default()
}

fn some(f: &mut fmt::Formatter<'_>, mut lines: impl Iterator<Item = String>) -> fmt::Result {
    for line in lines.by_ref().take(SHOWN) {
        writeln!(f, "  {line}")?;
    }
    match lines.count() {
        0 => Ok(()),
        more => writeln!(f, "  and {more} more"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::expect;

    fn row(pairs: &[(&str, &str)]) -> Row {
        pairs
            .iter()
            .map(|(field, value)| ((*field).to_owned(), (*value).to_owned()))
            .collect()
    }

    /// Sort, key, fields.
    type Written<'a> = (&'static str, &'a str, &'a [(&'a str, &'a str)]);

    fn holdings(rows: &[Written<'_>]) -> Holdings {
        rows.iter()
            .map(|(sort, key, pairs)| ((*sort, (*key).to_owned()), row(pairs)))
            .collect()
    }

    #[test]
    fn a_report_names_every_difference() {
        let wanted = holdings(&[
            ("group", "A", &[]),
            ("user", "ada", &[("city", "York"), ("phone", "+44")]),
            ("user", "bob", &[]),
        ]);
        let found = holdings(&[
            ("user", "ada", &[("city", "Bath"), ("zip", "1")]),
            ("user", "cy", &[]),
            ("group", "A", &[]),
        ]);
        let account = Account {
            latencies: (1..=100).map(Duration::from_millis).collect(),
            calls: 150,
            failures: vec!["status 503: later".to_owned()],
        };
        let accounts = [(Operation::CreateUser, account)].into();
        let report = Report::new("SoSafe", &wanted, &found, Vec::new(), accounts);
        assert!(!report.is_clean());
        expect![[r#"
            SoSafe against what Entra wanted

                                      wanted   found
            groups                         1       1
            users                          2       2
            fields that differ                     5
            values not read back                   0
              user ada, city: wanted "York", found "Bath"
              user ada, phone: wanted "+44", found ""
              user ada, zip: wanted "", found "1"
              user bob is missing
              user cy is too many

            operation                  count  failed  vendor calls   each   p50 ms   p95 ms   p99 ms
            create user                  100       1           150   1.50     50.0     95.0     99.0
            total                        100       1           150   1.50     50.0     95.0     99.0
              create user: status 503: later

            NOT EQUAL.
        "#]]
        .assert_eq(&report.to_string());
    }

    #[test]
    fn percentiles_are_of_the_nearest_rank() {
        let ms = |from, to| (from..=to).map(Duration::from_millis).collect::<Vec<_>>();
        assert_eq!(percentile(&ms(1, 200), 50), Duration::from_millis(100));
        assert_eq!(percentile(&ms(1, 10), 99), Duration::from_millis(10));
        assert_eq!(percentile(&ms(7, 7), 50), Duration::from_millis(7));
        assert_eq!(percentile(&[], 99), Duration::ZERO);
    }
}

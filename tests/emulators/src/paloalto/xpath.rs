//! The little of XPath that the API understands: names, and comparisons joined by `and`.

use super::refusal::Refusal;

/// `/name[test and test]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Step {
    pub(super) name: String,
    pub(super) tests: Vec<Test>,
}

/// One comparison.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Test {
    /// `@name='…'`, and `@n='…'`.
    Attribute(String, String),
    /// `unique-id='…'`.
    Child(String, String),
    /// `attr[@n='Mail']='…'`.
    Attr(String, String),
    /// `text()='…'`.
    Text(String),
    /// `position()>5`.
    After(usize),
    /// `position()<=10`.
    UpTo(usize),
}

/// The steps of a path from the root.
pub(super) fn parse(path: &str) -> Result<Vec<Step>, Refusal> {
    let mut cursor = Cursor(path);
    let mut steps = Vec::new();
    while !cursor.0.is_empty() {
        steps.push(cursor.step().ok_or(Refusal::BAD_XPATH)?);
    }
    Ok(steps)
}

struct Cursor<'a>(&'a str);

impl<'a> Cursor<'a> {
    fn step(&mut self) -> Option<Step> {
        self.take("/")?;
        let name = self.name()?.to_owned();
        let mut tests = Vec::new();
        while self.take("[").is_some() {
            tests.push(self.test()?);
            while self.take(" and ").is_some() {
                tests.push(self.test()?);
            }
            self.take("]")?;
        }
        Some(Step { name, tests })
    }

    fn test(&mut self) -> Option<Test> {
        if self.take("position()>").is_some() {
            return Some(Test::After(self.number()?));
        }
        if self.take("position()<=").is_some() {
            return Some(Test::UpTo(self.number()?));
        }
        if self.take("text()=").is_some() {
            return Some(Test::Text(self.literal()?));
        }
        if self.take("attr[@n=").is_some() {
            let name = self.literal()?;
            self.take("]=")?;
            return Some(Test::Attr(name, self.literal()?));
        }
        if self.take("@").is_some() {
            let name = self.name()?.to_owned();
            self.take("=")?;
            return Some(Test::Attribute(name, self.literal()?));
        }
        let name = self.name()?.to_owned();
        self.take("=")?;
        Some(Test::Child(name, self.literal()?))
    }

    /// `'…'`, `"…"`, or a `concat(…)` of them.
    fn literal(&mut self) -> Option<String> {
        if self.take("concat(").is_none() {
            return self.quoted().map(str::to_owned);
        }
        let mut text = self.quoted()?.to_owned();
        while self.take(",").is_some() {
            self.0 = self.0.trim_start();
            text.push_str(self.quoted()?);
        }
        self.take(")")?;
        Some(text)
    }

    fn quoted(&mut self) -> Option<&'a str> {
        let quote = self
            .0
            .chars()
            .next()
            .filter(|quote| "'\"".contains(*quote))?;
        let (text, rest) = self.0.get(1..)?.split_once(quote)?;
        self.0 = rest;
        Some(text)
    }

    fn number(&mut self) -> Option<usize> {
        let end = self
            .0
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(self.0.len());
        let (digits, rest) = self.0.split_at(end);
        self.0 = rest;
        digits.parse().ok()
    }

    fn name(&mut self) -> Option<&'a str> {
        let is_name = |c: char| c.is_ascii_alphanumeric() || c == '-';
        let end = self.0.find(|c| !is_name(c)).unwrap_or(self.0.len());
        let (name, rest) = self.0.split_at(end);
        self.0 = rest;
        (!name.is_empty()).then_some(name)
    }

    fn take(&mut self, text: &str) -> Option<()> {
        self.0 = self.0.strip_prefix(text)?;
        Some(())
    }
}

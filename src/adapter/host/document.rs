//! Host functions carry their own manual: one line of what, and examples that
//! the tests run.

/// One documented host function.
#[derive(Clone, Debug)]
pub struct Documented {
    /// Name and parameters, as called: `segment(text)`.
    pub signature: &'static str,
    /// What it does.
    pub text: &'static str,
    /// Expression and the expression of its result.
    pub examples: &'static [(&'static str, &'static str)],
}

/// The manual, in the order of registration.
#[derive(Clone, Debug, Default)]
pub struct Docs(Vec<Documented>);

impl Docs {
    /// Notes a function. Every registered one must be here; a test sees to it.
    pub(in crate::adapter) fn function(
        &mut self,
        signature: &'static str,
        text: &'static str,
        examples: &'static [(&'static str, &'static str)],
    ) {
        self.0.push(Documented {
            signature,
            text,
            examples,
        });
    }

    /// All of them.
    pub fn functions(&self) -> &[Documented] {
        &self.0
    }

    /// The manual as a Markdown table.
    pub fn table(&self) -> String {
        let head = "| write | meaning | examples |\n|---|---|---|\n";
        let rows = self.0.iter().map(Documented::row);
        std::iter::once(head.to_owned()).chain(rows).collect()
    }
}

impl Documented {
    fn row(&self) -> String {
        let quoted = |text: &str| format!("`{}`", text.replace('|', "\\|"));
        let examples = self.examples.iter();
        let examples = examples.map(|(from, to)| format!("{} is {}", quoted(from), quoted(to)));
        let examples: Vec<_> = examples.collect();
        let signature = quoted(self.signature);
        let text = self.text.replace('|', "\\|");
        format!("| {signature} | {text} | {} |\n", examples.join("<br>"))
    }
}

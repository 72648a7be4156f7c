//! Host functions carry their own manual: one line of what, and examples that
//! the tests run.

/// One documented host function.
#[derive(Clone, Debug)]
pub struct Documented {
    /// Name and parameters, as called: `segment(text)`.
    pub signature: &'static str,
    /// What it does.
    pub text: &'static str,
    /// What the examples show.
    pub shows: Shows,
    /// What is written, and what comes of it.
    pub examples: &'static [(&'static str, &'static str)],
}

/// What comes of an example.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shows {
    /// A value: the expression of it.
    Value,
    /// A call of the vendor: method, path and body.
    Call,
    /// What a row makes of a SCIM resource for the vendor (`→`), of the vendor's object for Entra
    /// (`←`), or both (`⇄`); the resource first.
    Conversion,
}

/// The manual, in the order of registration.
#[derive(Clone, Debug, Default)]
pub struct Docs(Vec<Documented>);

/// What is written, and what comes of it.
type Pairs = &'static [(&'static str, &'static str)];

impl Docs {
    /// Notes a function. Every registered one must be here; a test sees to it.
    pub(crate) fn function(
        &mut self,
        signature: &'static str,
        text: &'static str,
        examples: Pairs,
    ) {
        self.note(signature, text, Shows::Value, examples);
    }

    /// Notes a function that calls the vendor.
    pub(crate) fn call(&mut self, signature: &'static str, text: &'static str, examples: Pairs) {
        self.note(signature, text, Shows::Call, examples);
    }

    /// Notes a word of the table.
    pub(crate) fn row(&mut self, signature: &'static str, text: &'static str, examples: Pairs) {
        self.note(signature, text, Shows::Conversion, examples);
    }

    fn note(&mut self, signature: &'static str, text: &'static str, shows: Shows, examples: Pairs) {
        self.0.push(Documented {
            signature,
            text,
            shows,
            examples,
        });
    }

    /// All of them.
    pub fn functions(&self) -> &[Documented] {
        &self.0
    }

    /// The names of all of them.
    pub(crate) fn names(&self) -> impl Iterator<Item = &'static str> {
        self.0.iter().map(|function| {
            let name = function.signature.split('(').next().unwrap_or_default();
            name.trim_start_matches('.')
        })
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
        let examples = self.examples.iter();
        let between = match self.shows {
            Shows::Value => " is ",
            Shows::Call => " calls ",
            Shows::Conversion => ": ",
        };
        let examples =
            examples.map(|(from, to)| format!("{}{between}{}", quoted(from), quoted(to)));
        let examples: Vec<_> = examples.collect();
        let signature = quoted(self.signature);
        let text = self.text.replace('|', "\\|");
        format!("| {signature} | {text} | {} |\n", examples.join("<br>"))
    }
}

/// Code in a cell of a Markdown table.
fn quoted(code: &str) -> String {
    let code = code.replace('|', "\\|");
    if code.contains('`') {
        format!("`` {code} ``")
    } else {
        format!("`{code}`")
    }
}

//! `deploy/diagnostics.md`: what each code means, compiled in.

/// The page.
pub const PAGE: &str = include_str!("../../deploy/diagnostics.md");

/// The codes the page explains, in its order.
pub fn codes() -> impl Iterator<Item = &'static str> {
    sections().map(|(code, _)| code)
}

/// What the page says of a code.
pub fn explain(code: &str) -> Option<&'static str> {
    let mut sections = sections();
    let found = sections.find(|(known, _)| *known == code);
    found.map(|(_, text)| text.trim())
}

/// `### area::kind` and all up to the next heading.
fn sections() -> impl Iterator<Item = (&'static str, &'static str)> {
    PAGE.split("\n### ").skip(1).filter_map(|section| {
        let (code, text) = section.split_once('\n')?;
        let end = text.find("\n## ").unwrap_or(text.len());
        Some((code.trim().trim_matches('`'), text.get(..end)?))
    })
}

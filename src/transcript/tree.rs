//! Where the parts of a JSON text stand in it.

use std::ops::Range;

use serde::de::IgnoredAny;

/// Where the parts of a JSON text stand.
pub(super) struct Tree {
    pub(super) span: Range<usize>,
    /// Of an object or array.
    pub(super) parts: Vec<Part>,
}

/// A member of an object, or an element of an array.
pub(super) struct Part {
    /// Empty for an element.
    pub(super) name: String,
    /// Where the name begins, or the element.
    pub(super) start: usize,
    pub(super) tree: Tree,
}

impl Tree {
    /// Reads a text if it is JSON; serde bounds its depth.
    pub(super) fn read(text: &str) -> Option<Self> {
        serde_json::from_str::<IgnoredAny>(text).ok()?;
        Reader { text, at: 0 }.tree()
    }

    /// Where what `path` names stands, or the innermost that holds it:
    /// `addresses[0].locality`.
    pub(super) fn find(&self, path: &str) -> Range<usize> {
        let path = path.strip_prefix('.').unwrap_or(path);
        if let Some((index, rest)) = path.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            let part = index
                .parse()
                .ok()
                .and_then(|index: usize| self.parts.get(index));
            return part.map_or(self.span.clone(), |part| part.tree.find(rest));
        }
        // A name may hold points itself: `…:2.0:User`.
        let rest_of = |part: &Part| {
            let rest = path.strip_prefix(part.name.as_str())?;
            (rest.is_empty() || rest.starts_with(['.', '['])).then_some(rest)
        };
        let named = self.parts.iter().filter(|part| !part.name.is_empty());
        let found = named.filter_map(|part| Some((part, rest_of(part)?)));
        let found = found.max_by_key(|(part, _)| part.name.len());
        found.map_or(self.span.clone(), |(part, rest)| part.tree.find(rest))
    }

    /// From its first part to its last one.
    pub(super) fn inner(&self) -> Range<usize> {
        match (self.parts.first(), self.parts.last()) {
            (Some(first), Some(last)) => first.start..last.tree.span.end,
            _ => self.span.start + 1..self.span.end - 1,
        }
    }
}

struct Reader<'t> {
    text: &'t str,
    at: usize,
}

impl Reader<'_> {
    fn tree(&mut self) -> Option<Tree> {
        let first = self.next()?;
        let start = self.at;
        let mut parts = Vec::new();
        match first {
            b'{' | b'[' => {
                self.at += 1;
                while !matches!(self.next()?, b'}' | b']') {
                    parts.push(self.part(first == b'{')?);
                    if self.next()? == b',' {
                        self.at += 1;
                    }
                }
                self.at += 1;
            }
            b'"' => drop(self.string()?),
            _ => {
                let rest = self.text.get(start..)?;
                let end =
                    rest.find(|letter: char| ",]}".contains(letter) || letter.is_whitespace());
                self.at += end.unwrap_or(rest.len());
            }
        }
        Some(Tree {
            span: start..self.at,
            parts,
        })
    }

    fn part(&mut self, named: bool) -> Option<Part> {
        let start = self.at;
        let mut name = String::new();
        if named {
            name = serde_json::from_str(&self.string()?).ok()?;
            self.next()?;
            self.at += ":".len();
        }
        let tree = self.tree()?;
        Some(Part { name, start, tree })
    }

    /// The string that begins here, quotes included.
    fn string(&mut self) -> Option<String> {
        let rest = self.text.get(self.at..)?;
        let mut escaped = false;
        let end = rest.bytes().skip(1).position(|byte| {
            let ends = byte == b'"' && !escaped;
            escaped = byte == b'\\' && !escaped;
            ends
        })?;
        let string = rest.get(..end + 2)?;
        self.at += string.len();
        Some(string.to_owned())
    }

    /// The next byte that is no white space; it is not passed.
    fn next(&mut self) -> Option<u8> {
        let rest = self.text.get(self.at..)?;
        self.at += rest.len() - rest.trim_start().len();
        self.text.as_bytes().get(self.at).copied()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_path_leads_to_its_value_or_to_what_would_hold_it() {
        let text = r#"{"a": [{"b": "x\"}"}, {"b": -1.5e3 }], "c.d": {"e": null}, "f":{} }"#;
        let tree = Tree::read(text).unwrap();
        for (path, expected) in [
            ("a[0].b", r#""x\"}""#),
            ("a[1].b", "-1.5e3"),
            ("c.d.e", "null"),
            ("a[0].z", r#"{"b": "x\"}"}"#),
            ("f.g.h", "{}"),
            ("body", text),
        ] {
            assert_eq!(&text[tree.find(path)], expected, "{path}");
        }
        assert!(Tree::read("{").is_none());
    }
}

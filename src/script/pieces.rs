//! A script's words, texts and signs, of any text: what rhai's parser says of a source that does
//! not parse is seldom where the mistake is.

/// A word, a number, a text with its quotes, or a sign.
#[derive(Clone, Copy)]
pub(crate) struct Piece<'t> {
    pub(crate) text: &'t str,
    /// Byte offset in the source.
    pub(crate) start: usize,
    /// White space or a comment stands before it.
    pub(crate) spaced: bool,
}

/// All pieces; no comments, no spaces.
pub(crate) fn pieces(source: &str) -> Vec<Piece<'_>> {
    let (mut pieces, mut rest, mut spaced) = (Vec::new(), source, false);
    while let Some(first) = rest.chars().next() {
        let (length, counts) = match first {
            c if c.is_whitespace() => (c.len_utf8(), false),
            '/' if rest.starts_with("//") => (until(rest, "\n"), false),
            '/' if rest.starts_with("/*") => (until(rest, "*/"), false),
            '"' | '\'' | '`' => (quoted(rest, first), true),
            '#' if rest.starts_with("#{") => (2, true),
            c if c.is_alphanumeric() || c == '_' => (word(rest), true),
            c => (sign(rest).unwrap_or(c.len_utf8()), true),
        };
        let (text, after) = rest.split_at_checked(length).unwrap_or((rest, ""));
        if counts {
            let start = source.len() - rest.len();
            pieces.push(Piece {
                text,
                start,
                spaced,
            });
        }
        (rest, spaced) = (after, !counts);
    }
    pieces
}

/// The length up to and with `end`, or all there is.
fn until(rest: &str, end: &str) -> usize {
    rest.find(end).map_or(rest.len(), |at| at + end.len())
}

fn word(rest: &str) -> usize {
    let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '_'));
    end.unwrap_or(rest.len())
}

fn sign(rest: &str) -> Option<usize> {
    const SIGNS: [&str; 14] = [
        "=>", "==", "!=", "<=", ">=", "&&", "||", "??", "::", "?.", "+=", "-=", "..=", "..",
    ];
    let found = SIGNS.iter().find(|sign| rest.starts_with(**sign))?;
    Some(found.len())
}

/// What is open inside a text.
enum Open {
    /// A text, by its quote.
    Text(char),
    /// `${`, and how many brackets stand open in it.
    Code(usize),
}

/// The length of a text with its quotes. What is interpolated in a backquoted one may hold texts
/// itself, nested as deep as a file likes.
fn quoted(rest: &str, quote: char) -> usize {
    let mut open = vec![Open::Text(quote)];
    let mut letters = rest.char_indices().skip(1).peekable();
    while let Some((at, letter)) = letters.next() {
        match open.last_mut() {
            None => return at,
            Some(Open::Text('`')) if letter == '$' => {
                if letters.next_if(|(_, next)| *next == '{').is_some() {
                    open.push(Open::Code(1));
                }
            }
            Some(Open::Text(quote)) if *quote == letter => {
                open.pop();
                if open.is_empty() {
                    return at + letter.len_utf8();
                }
            }
            Some(Open::Text(quote)) if *quote != '`' && letter == '\\' => {
                letters.next();
            }
            Some(Open::Text(_)) => {}
            Some(Open::Code(depth)) => match letter {
                '"' | '\'' | '`' => open.push(Open::Text(letter)),
                '{' => *depth += 1,
                '}' if *depth == 1 => drop(open.pop()),
                '}' => *depth -= 1,
                _ => {}
            },
        }
    }
    rest.len()
}

/// The first bracket that is never closed, or closes nothing.
pub(crate) fn unbalanced(source: &str) -> Option<Unbalanced> {
    let mut open = Vec::new();
    for piece in pieces(source) {
        let closer = match piece.text {
            "(" | "[" | "{" | "#{" => {
                open.push(piece);
                continue;
            }
            ")" | "]" | "}" => piece,
            _ => continue,
        };
        match open.pop() {
            None => return Some(Unbalanced::of(closer, false)),
            Some(opener) if closes(opener.text, closer.text) => {}
            Some(opener) => return Some(Unbalanced::of(opener, true)),
        }
    }
    open.pop().map(|opener| Unbalanced::of(opener, true))
}

fn closes(opener: &str, closer: &str) -> bool {
    matches!(
        (opener, closer),
        ("(", ")") | ("[", "]") | ("{" | "#{", "}")
    )
}

/// A bracket without its counterpart.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Unbalanced {
    /// Byte offset in the source.
    pub(crate) start: usize,
    /// As written.
    pub(crate) bracket: String,
    /// Whether it opens, rather than closes.
    pub(crate) opens: bool,
}

impl Unbalanced {
    fn of(piece: Piece<'_>, opens: bool) -> Self {
        Self {
            start: piece.start,
            bracket: piece.text.to_owned(),
            opens,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bracket_without_its_counterpart_is_found_and_no_text_or_comment_is_one() {
        for (source, expect) in [
            ("fn f() { g(1, [2]) } // (", None),
            ("f(\"(\", `(${a(1)}`, ')') /* { */", None),
            ("fn f() {\n  g(1;\n}", Some(("(", 12, true))),
            ("f([1)", Some(("[", 2, true))),
            ("#{ a: [1] ", Some(("#{", 0, true))),
            ("f())", Some((")", 3, false))),
            ("f(`${g(`${1}`, \"}\")} $ {(`, '\\'(')", None),
        ] {
            let found = unbalanced(source);
            let found = found.as_ref();
            let found = found.map(|it| (it.bracket.as_str(), it.start, it.opens));
            assert_eq!(found, expect, "{source}");
        }
    }
}

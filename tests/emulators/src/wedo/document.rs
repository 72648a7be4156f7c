//! As much of GraphQL (October 2021) as the contract needs: one operation with one root field,
//! variables, arguments, selections and fragments. No directives, aliases, or block strings.

use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::iter::Peekable;
use std::vec::IntoIter;

/// An operation, its variables filled in.
#[derive(Debug)]
pub(super) struct Operation {
    pub(super) is_mutation: bool,
    pub(super) root: Field,
}

/// A selected field.
#[derive(Clone, Debug)]
pub(super) struct Field {
    pub(super) name: String,
    pub(super) arguments: Map<String, Value>,
    pub(super) selection: Vec<Self>,
}

/// Why a document is none.
#[derive(Debug)]
pub(super) struct Malformed(pub(super) String);

type Parsed<T> = Result<T, Malformed>;

impl Operation {
    /// Reads a document, with its variables.
    pub(super) fn parse(document: &str, variables: &Map<String, Value>) -> Parsed<Self> {
        let mut parser = Parser {
            tokens: tokens(document)?.into_iter().peekable(),
            variables,
            mandatory: Vec::new(),
        };
        parser.document()
    }
}

impl Field {
    /// What of `value` is selected. A field that is not there was never one.
    pub(super) fn select(&self, value: &Value) -> Parsed<Value> {
        match value {
            Value::Array(items) => items.iter().map(|item| self.select(item)).collect(),
            Value::Object(_) if self.selection.is_empty() => {
                malformed(format!("{} needs a selection", self.name))
            }
            Value::Object(members) => {
                let picked = self.selection.iter().map(|field| {
                    let member = members.get(&field.name);
                    let member = member
                        .ok_or_else(|| Malformed(format!("cannot query field {}", field.name)))?;
                    Ok((field.name.clone(), field.select(member)?))
                });
                picked.collect()
            }
            scalar => Ok(scalar.clone()),
        }
    }
}

struct Parser<'v> {
    tokens: Peekable<IntoIter<String>>,
    variables: &'v Map<String, Value>,
    mandatory: Vec<String>,
}

/// A selection before its fragments are put in.
enum Selected {
    Field(Field, Vec<Self>),
    Fragment(String),
}

impl Parser<'_> {
    fn document(&mut self) -> Parsed<Operation> {
        let (mut operation, mut fragments) = (None, BTreeMap::new());
        while let Some(token) = self.tokens.peek().cloned() {
            match token.as_str() {
                "query" | "mutation" => {
                    self.tokens.next();
                    operation = Some((token == "mutation", self.operation()?));
                }
                "{" => operation = Some((false, self.selection()?)),
                "fragment" => {
                    let (name, selected) = self.fragment()?;
                    fragments.insert(name, selected);
                }
                other => return malformed(format!("unexpected {other}")),
            }
        }
        let missing = |name: &&String| self.variables.get(*name).is_none_or(Value::is_null);
        if let Some(name) = self.mandatory.iter().find(missing) {
            return malformed(format!("variable ${name} is missing"));
        }
        let (is_mutation, selected) = operation.ok_or(Malformed("no operation".to_owned()))?;
        let mut roots = resolve(selected, &fragments)?.into_iter();
        match (roots.next(), roots.next()) {
            (Some(root), None) => Ok(Operation { is_mutation, root }),
            _ => malformed("one root field, please".to_owned()),
        }
    }

    fn operation(&mut self) -> Parsed<Vec<Selected>> {
        if self.tokens.peek().is_some_and(|token| is_name(token)) {
            self.tokens.next();
        }
        if self.take("(") {
            while !self.take(")") {
                self.definition()?;
            }
        }
        self.selection()
    }

    /// `$id: ID!`
    fn definition(&mut self) -> Parsed<()> {
        self.demand("$")?;
        let name = self.name()?;
        self.demand(":")?;
        self.name()?;
        if self.take("!") {
            self.mandatory.push(name);
        }
        Ok(())
    }

    fn fragment(&mut self) -> Parsed<(String, Vec<Selected>)> {
        self.demand("fragment")?;
        let name = self.name()?;
        self.demand("on")?;
        self.name()?;
        Ok((name, self.selection()?))
    }

    fn selection(&mut self) -> Parsed<Vec<Selected>> {
        self.demand("{")?;
        let mut selected = Vec::new();
        while !self.take("}") {
            selected.push(if self.take("...") {
                Selected::Fragment(self.name()?)
            } else {
                self.field()?
            });
        }
        Ok(selected)
    }

    fn field(&mut self) -> Parsed<Selected> {
        let mut field = Field {
            name: self.name()?,
            arguments: Map::new(),
            selection: Vec::new(),
        };
        if self.take("(") {
            field.arguments = self.members(")")?;
        }
        let inner = match self.tokens.peek().is_some_and(|token| token == "{") {
            true => self.selection()?,
            false => Vec::new(),
        };
        Ok(Selected::Field(field, inner))
    }

    fn members(&mut self, end: &str) -> Parsed<Map<String, Value>> {
        let mut members = Map::new();
        while !self.take(end) {
            let name = self.name()?;
            self.demand(":")?;
            let value = self.value()?;
            members.insert(name, value);
        }
        Ok(members)
    }

    fn value(&mut self) -> Parsed<Value> {
        if self.take("$") {
            let name = self.name()?;
            return Ok(self.variables.get(&name).cloned().unwrap_or_default());
        }
        if self.take("{") {
            return self.members("}").map(Value::Object);
        }
        let token = self.next()?;
        Ok(match token.as_str() {
            "true" => true.into(),
            "false" => false.into(),
            "null" => Value::Null,
            _ => match (token.parse::<i64>(), token.strip_prefix('"')) {
                (Ok(number), _) => number.into(),
                (_, Some(text)) => text.into(),
                (_, None) if is_name(&token) => token.into(),
                _ => return malformed(format!("unexpected {token}")),
            },
        })
    }

    fn name(&mut self) -> Parsed<String> {
        let token = self.next()?;
        match is_name(&token) {
            true => Ok(token),
            false => malformed(format!("a name, not {token}")),
        }
    }

    fn demand(&mut self, wanted: &str) -> Parsed<()> {
        let token = self.next()?;
        match token == wanted {
            true => Ok(()),
            false => malformed(format!("{wanted}, not {token}")),
        }
    }

    fn take(&mut self, wanted: &str) -> bool {
        self.tokens.next_if(|token| token == wanted).is_some()
    }

    fn next(&mut self) -> Parsed<String> {
        let token = self.tokens.next();
        token.ok_or_else(|| Malformed("unexpected end".to_owned()))
    }
}

fn resolve(
    selected: Vec<Selected>,
    fragments: &BTreeMap<String, Vec<Selected>>,
) -> Parsed<Vec<Field>> {
    let mut fields = Vec::new();
    for one in selected {
        match one {
            Selected::Field(field, inner) => fields.push(Field {
                selection: resolve(inner, fragments)?,
                ..field
            }),
            Selected::Fragment(name) => {
                let fragment = fragments.get(&name);
                let fragment = fragment.ok_or_else(|| Malformed(format!("unknown {name}")))?;
                fields.extend(plain_fields(fragment)?);
            }
        }
    }
    Ok(fields)
}

/// The fields of a fragment, which has no fragments or selections of its own in this contract.
fn plain_fields(fragment: &[Selected]) -> Parsed<Vec<Field>> {
    let plain = fragment.iter().map(|one| match one {
        Selected::Field(field, inner) if inner.is_empty() => Ok(field.clone()),
        _ => malformed("a fragment of plain fields, please".to_owned()),
    });
    plain.collect()
}

/// Names, numbers, punctuation; a string keeps its first quote.
fn tokens(document: &str) -> Parsed<Vec<String>> {
    let mut tokens = Vec::new();
    let mut letters = document.chars().peekable();
    while let Some(letter) = letters.next() {
        let token = match letter {
            ' ' | '\t' | '\n' | '\r' | ',' => continue,
            '"' => {
                let text: String = letters.by_ref().take_while(|c| *c != '"').collect();
                format!("\"{text}")
            }
            '.' if letters.next_if_eq(&'.').is_some() && letters.next_if_eq(&'.').is_some() => {
                "...".to_owned()
            }
            '{' | '}' | '(' | ')' | ':' | '!' | '$' => letter.to_string(),
            c if is_word(c) || c == '-' => {
                let mut word = c.to_string();
                while let Some(c) = letters.next_if(|c| is_word(*c)) {
                    word.push(c);
                }
                word
            }
            other => return malformed(format!("unexpected {other}")),
        };
        tokens.push(token);
    }
    Ok(tokens)
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

fn is_name(token: &str) -> bool {
    token.chars().all(is_word) && !token.starts_with(|c: char| c.is_ascii_digit())
}

fn malformed<T>(why: String) -> Parsed<T> {
    Err(Malformed(why))
}

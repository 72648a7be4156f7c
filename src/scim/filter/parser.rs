//! Recursive descent over the grammar of RFC 7644 §3.4.2.2, figure 1. Budgets are taken while
//! parsing, so that no input can cost more than its 4 KiB.

use serde_json::{Number, Value};

use super::lexer::{Lexeme, Lexer, Token};
use super::{Fault, Filter, MAX_DEPTH, MAX_NODES, Operator, Test};
use crate::scim::compare::same_text;
use crate::scim::error::short;
use crate::scim::path::{AttrPath, Path, is_name, sub_name};
use crate::scim::schema::{Attribute, Kind, Returned};
use crate::scim::value::{flag, is_date_time};
use crate::scim::{Profile, ResourceType};

/// What names are relative to.
#[derive(Clone, Copy)]
pub(crate) enum Scope<'a> {
    /// A resource.
    Resource,
    /// An element of this multi-valued attribute: inside brackets.
    Element(&'a Attribute),
}

pub(crate) struct Parser<'t> {
    lexer: Lexer<'t>,
    ahead: Token<'t>,
    types: &'t ResourceType,
    profile: Profile,
    nodes: usize,
    depth: usize,
}

impl<'t> Parser<'t> {
    pub(crate) fn new(
        text: &'t str,
        types: &'t ResourceType,
        profile: Profile,
    ) -> Result<Self, Fault> {
        let mut lexer = Lexer::new(text, profile)?;
        let ahead = lexer.next()?;
        Ok(Self {
            lexer,
            ahead,
            types,
            profile,
            nodes: 0,
            depth: 0,
        })
    }

    /// `or` binds weakest.
    pub(crate) fn filter(&mut self, scope: Scope<'t>) -> Result<Filter, Fault> {
        let at = self.ahead.at;
        let mut parts = vec![self.conjunction(scope)?];
        while self.keyword("or")? {
            parts.push(self.conjunction(scope)?);
        }
        Filter::any(parts).ok_or_else(|| Fault::syntax(at, "empty filter"))
    }

    fn conjunction(&mut self, scope: Scope<'t>) -> Result<Filter, Fault> {
        let at = self.ahead.at;
        let mut parts = vec![self.operand(scope)?];
        while self.keyword("and")? {
            parts.push(self.operand(scope)?);
        }
        Filter::all(parts).ok_or_else(|| Fault::syntax(at, "empty filter"))
    }

    /// A group, a negated group or a test.
    fn operand(&mut self, scope: Scope<'t>) -> Result<Filter, Fault> {
        self.node()?;
        if self.ahead.lexeme == Lexeme::Open {
            return self.group(scope);
        }
        let Lexeme::Word(word) = self.ahead.lexeme else {
            return Err(self.unexpected("an attribute"));
        };
        // No attribute is called `not`: what follows decides nothing.
        if word.eq_ignore_ascii_case("not") {
            self.advance()?;
            return Ok(Filter::Not(Box::new(self.group(scope)?)));
        }
        self.test(scope)
    }

    fn group(&mut self, scope: Scope<'t>) -> Result<Filter, Fault> {
        self.expect(Lexeme::Open, "(")?;
        self.enter()?;
        let inner = self.filter(scope)?;
        self.depth -= 1;
        self.expect(Lexeme::Close, ")")?;
        Ok(inner)
    }

    fn test(&mut self, scope: Scope<'t>) -> Result<Filter, Fault> {
        let at = self.ahead.at;
        let mut path = self.path(scope)?;
        self.told(scope, &path, at)?;
        if self.keyword("pr")? {
            return Ok(Filter::Test(Box::new(path), Test::Present));
        }
        let Some(operator) = self.operator()? else {
            return match path.filter.is_some() && path.sub.is_none() {
                true => Ok(Filter::Test(Box::new(path), Test::Present)),
                false => Err(self.unexpected("an operator (eq ne co sw ew pr gt ge lt le)")),
            };
        };
        let attribute = self.compared(scope, &mut path, at)?;
        let value = self.value(attribute, operator)?;
        Ok(Filter::Test(Box::new(path), Test::Compare(operator, value)))
    }

    /// What is never answered must not be found out by asking for it either (RFC 7643 §7).
    fn told(&self, scope: Scope<'t>, path: &Path, at: usize) -> Result<(), Fault> {
        let root = match scope {
            Scope::Resource => self.types.root(&path.attr),
            Scope::Element(parent) => parent.sub(&path.attr.attribute),
        };
        let part = root.and_then(|root| root.sub(path.sub()?));
        let mut named = [root, part].into_iter().flatten();
        match named.any(|attribute| attribute.returned == Returned::Never) {
            true => Err(Fault::syntax(
                at,
                format!("{} is never told", short(&path.to_string())),
            )),
            false => Ok(()),
        }
    }

    /// `attrPath`, or `attrPath "[" filter "]" [ "." sub ]`.
    pub(crate) fn path(&mut self, scope: Scope<'t>) -> Result<Path, Fault> {
        let at = self.ahead.at;
        let Lexeme::Word(word) = self.ahead.lexeme else {
            return Err(self.unexpected("an attribute"));
        };
        let attr = match scope {
            Scope::Resource => AttrPath::read(word, self.types)?,
            Scope::Element(attribute) => element_path(attribute, word, at)?,
        };
        self.advance()?;
        if self.ahead.lexeme != Lexeme::OpenBracket || self.ahead.at != at + word.len() {
            return Ok(Path::of(attr));
        }
        self.value_path(scope, attr, at)
    }

    fn value_path(&mut self, scope: Scope<'t>, attr: AttrPath, at: usize) -> Result<Path, Fault> {
        let types = self.types;
        let attribute = match scope {
            Scope::Resource => types.attribute(&attr).filter(|found| found.multi_valued),
            Scope::Element(_) => None,
        };
        let attribute = attribute.ok_or_else(|| Fault::syntax(at, "brackets need a list"))?;
        self.advance()?;
        self.enter()?;
        let filter = self.filter(Scope::Element(attribute))?;
        self.depth -= 1;
        let close = self.ahead.at;
        self.expect(Lexeme::CloseBracket, "]")?;
        let sub = self.element_sub(attribute, close + 1)?;
        Ok(Path {
            attr,
            filter: Some(filter),
            sub,
        })
    }

    /// `.sub` directly behind a closing bracket.
    fn element_sub(&mut self, attribute: &Attribute, at: usize) -> Result<Option<String>, Fault> {
        let Lexeme::Word(word) = self.ahead.lexeme else {
            return Ok(None);
        };
        let Some(sub) = word.strip_prefix('.').filter(|_| self.ahead.at == at) else {
            return Ok(None);
        };
        if !is_name(sub) {
            return Err(Fault::syntax(at, "not a sub-attribute"));
        }
        let unknown = || Fault::Unknown(format!("{}.{sub}", attribute.name));
        let name = sub_name(attribute, sub).ok_or_else(unknown)?;
        self.advance()?;
        Ok(Some(name.to_owned()))
    }

    /// The simple attribute that a comparison is about; `emails` and `manager` stand for their
    /// `value`.
    fn compared(
        &self,
        scope: Scope<'t>,
        path: &mut Path,
        at: usize,
    ) -> Result<&'t Attribute, Fault> {
        let types = self.types;
        let attribute = match scope {
            Scope::Resource => types.attribute(&path.attr),
            Scope::Element(parent) => Some(element_attribute(parent, &path.attr.attribute)),
        };
        let attribute = attribute.ok_or_else(|| Fault::Unknown(path.to_string()))?;
        let attribute = path
            .sub
            .as_ref()
            .and_then(|sub| attribute.sub(sub))
            .unwrap_or(attribute);
        if !attribute.is_complex() {
            return Ok(attribute);
        }
        let implied = path.filter.is_none() || self.profile.takes_loose_filters();
        let Some(value) = attribute.sub("value").filter(|_| implied) else {
            return Err(Fault::syntax(
                at,
                format!(
                    "{} has parts; compare one of them",
                    short(&path.to_string())
                ),
            ));
        };
        let sub = if path.filter.is_some() {
            &mut path.sub
        } else {
            &mut path.attr.sub
        };
        *sub = Some(value.name.clone());
        Ok(value)
    }

    fn value(&mut self, attribute: &Attribute, operator: Operator) -> Result<Value, Fault> {
        let at = self.ahead.at;
        let value = match &self.ahead.lexeme {
            Lexeme::Text(text) => self.quoted(attribute, text),
            Lexeme::Word(word) => self.bare(attribute, word),
            _ => return Err(self.unexpected("a value")),
        };
        let value = value.ok_or_else(|| Fault::syntax(at, expected(attribute)))?;
        if !applies(operator, attribute.kind, &value) {
            let reason = format!("{} does not apply to {}", operator.as_str(), attribute.name);
            return Err(Fault::syntax(at, reason));
        }
        self.advance()?;
        Ok(value)
    }

    fn quoted(&self, attribute: &Attribute, text: &str) -> Option<Value> {
        match attribute.kind {
            Kind::Boolean if self.profile.takes_quoted_literals() => flag(text),
            Kind::Integer | Kind::Decimal if self.profile.takes_quoted_literals() => number(text),
            Kind::Boolean | Kind::Integer | Kind::Decimal => None,
            Kind::DateTime => is_date_time(text).then(|| text.into()),
            _ => Some(canonical(attribute, text).into()),
        }
    }

    fn bare(&self, attribute: &Attribute, word: &str) -> Option<Value> {
        match (word, attribute.kind) {
            ("null", _) => Some(Value::Null),
            ("true", Kind::Boolean) => Some(Value::Bool(true)),
            ("false", Kind::Boolean) => Some(Value::Bool(false)),
            (_, Kind::Integer | Kind::Decimal) => number(word),
            // An apostrophe was meant as a quote.
            _ if !self.profile.takes_loose_filters() || word.starts_with('\'') => None,
            _ => self.quoted(attribute, word),
        }
    }

    fn operator(&mut self) -> Result<Option<Operator>, Fault> {
        let Lexeme::Word(word) = self.ahead.lexeme else {
            return Ok(None);
        };
        let Some(operator) = Operator::parse(word) else {
            return Ok(None);
        };
        self.advance()?;
        Ok(Some(operator))
    }

    fn keyword(&mut self, keyword: &str) -> Result<bool, Fault> {
        let found =
            matches!(self.ahead.lexeme, Lexeme::Word(word) if word.eq_ignore_ascii_case(keyword));
        if found {
            self.advance()?;
        }
        Ok(found)
    }

    fn expect(&mut self, lexeme: Lexeme<'_>, what: &str) -> Result<(), Fault> {
        match self.ahead.lexeme == lexeme {
            true => self.advance(),
            false => Err(self.unexpected(what)),
        }
    }

    pub(crate) fn end(&mut self) -> Result<(), Fault> {
        match self.ahead.lexeme {
            Lexeme::End => Ok(()),
            _ => Err(self.unexpected("the end, `and` or `or`")),
        }
    }

    fn advance(&mut self) -> Result<(), Fault> {
        self.ahead = self.lexer.next()?;
        Ok(())
    }

    fn node(&mut self) -> Result<(), Fault> {
        self.nodes += 1;
        match self.nodes > MAX_NODES {
            true => Err(Fault::syntax(
                self.ahead.at,
                format!("more than {MAX_NODES} terms"),
            )),
            false => Ok(()),
        }
    }

    fn enter(&mut self) -> Result<(), Fault> {
        self.depth += 1;
        match self.depth > MAX_DEPTH {
            true => Err(Fault::syntax(
                self.ahead.at,
                format!("nested deeper than {MAX_DEPTH}"),
            )),
            false => Ok(()),
        }
    }

    fn unexpected(&self, wanted: &str) -> Fault {
        Fault::syntax(self.ahead.at, format!("expected {wanted}"))
    }
}

/// A name inside brackets.
fn element_path(attribute: &Attribute, word: &str, at: usize) -> Result<AttrPath, Fault> {
    if !is_name(word) {
        return Err(Fault::syntax(at, "not a sub-attribute"));
    }
    let simple = !attribute.is_complex() && same_text(word, "value");
    let name = sub_name(attribute, word).or(simple.then_some("value"));
    let name = name.ok_or_else(|| Fault::Unknown(format!("{}.{word}", attribute.name)))?;
    Ok(AttrPath {
        schema: None,
        attribute: name.to_owned(),
        sub: None,
    })
}

/// The definition behind a name inside brackets; elements of a simple list are their `value`.
fn element_attribute<'a>(parent: &'a Attribute, name: &str) -> &'a Attribute {
    parent.sub(name).unwrap_or(parent)
}

/// The suggested spelling of a value that is compared without case (`Work` is `work`).
fn canonical<'v>(attribute: &'v Attribute, text: &'v str) -> &'v str {
    let mut known = attribute
        .canonical_values
        .iter()
        .filter(|_| !attribute.case_exact);
    known
        .find(|value| same_text(value, text))
        .map_or(text, String::as_str)
}

fn number(text: &str) -> Option<Value> {
    text.parse::<Number>().ok().map(Value::Number)
}

fn expected(attribute: &Attribute) -> String {
    let what = match attribute.kind {
        Kind::Boolean => "true or false",
        Kind::Integer | Kind::Decimal => "a number",
        Kind::DateTime => "a quoted xsd:dateTime",
        _ => "a quoted string",
    };
    format!("{} is compared with {what}", attribute.name)
}

/// RFC 7644 §3.4.2.2: booleans and binaries have no order; only texts have parts.
fn applies(operator: Operator, kind: Kind, value: &Value) -> bool {
    match operator {
        Operator::Eq | Operator::Ne => true,
        _ if value.is_null() => false,
        Operator::Co | Operator::Sw | Operator::Ew => {
            matches!(
                kind,
                Kind::String | Kind::Reference | Kind::Binary | Kind::DateTime
            )
        }
        _ => !matches!(kind, Kind::Boolean | Kind::Binary),
    }
}

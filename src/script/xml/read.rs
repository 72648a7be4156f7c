//! From a document to a tree.

use quick_xml::Reader;
use quick_xml::XmlVersion;
use quick_xml::events::{BytesRef, BytesStart, Event};
use serde_json::{Map, Value};

use super::{ATTRIBUTE, DEPTH, TEXT};
use crate::script::fiber;

/// Elements and attributes of one document; a page of 200 users has some 7,000.
const NODES: usize = 100_000;

/// So many are read before others may have their turn.
const PAUSE: usize = 256;

/// Reads a document. `lists` are the names of elements that are arrays however many there are.
///
/// `None` for what is not UTF-8, not well formed or cut; for a DTD, an entity beside the five of
/// XML (1.0 §4.6) or a processing instruction; for more than 64 levels or 100,000 elements and
/// attributes; and for a second element of a name that is not in `lists`.
pub fn read(document: &[u8], lists: &[String]) -> Option<Value> {
    let mut reader = Reader::from_str(std::str::from_utf8(document).ok()?);
    let mut open = Open::new(lists);
    loop {
        match reader.read_event().ok()? {
            Event::Start(tag) => open.begin(&tag)?,
            Event::Empty(tag) => {
                open.begin(&tag)?;
                open.end()?;
            }
            Event::End(_) => open.end()?,
            Event::Text(text) => open.text(&text.xml10_content())?,
            Event::CData(text) => open.text(&text.xml10_content())?,
            Event::GeneralRef(reference) => {
                open.text(character(&reference)?.encode_utf8(&mut [0; 4]))?
            }
            Event::Comment(_) | Event::Decl(_) => {}
            Event::DocType(_) | Event::PI(_) => return None,
            Event::Eof => return open.finish(),
        }
    }
}

/// The elements that have begun and not ended, outermost first.
struct Open<'a> {
    lists: &'a [String],
    stack: Vec<Element>,
    room: usize,
}

#[derive(Default)]
struct Element {
    name: String,
    members: Map<String, Value>,
    text: String,
    has_children: bool,
}

impl<'a> Open<'a> {
    /// The first element stands for the document.
    fn new(lists: &'a [String]) -> Self {
        Self {
            lists,
            stack: vec![Element::default()],
            room: NODES,
        }
    }

    fn begin(&mut self, tag: &BytesStart<'_>) -> Option<()> {
        let mut element = Element {
            name: tag.name().as_ref().to_owned(),
            ..Element::default()
        };
        can_begin_a_name(&element.name).then_some(())?;
        self.room = self.room.checked_sub(1)?;
        if self.room.is_multiple_of(PAUSE) {
            fiber::rest();
        }
        for attribute in tag.attributes() {
            let attribute = attribute.ok()?;
            self.room = self.room.checked_sub(1)?;
            let name = format!("{ATTRIBUTE}{}", attribute.key.as_ref());
            let value = attribute.normalized_value(XmlVersion::Implicit1_0).ok()?;
            element.members.insert(name, value.into());
        }
        self.stack.push(element);
        (self.stack.len() <= DEPTH + 1).then_some(())
    }

    fn end(&mut self) -> Option<()> {
        let mut element = self.stack.pop()?;
        if !element.text.is_empty() && !element.is_only_indented() {
            element.members.insert(TEXT.into(), element.text.into());
        }
        let is_list = self.lists.contains(&element.name);
        let parent = self.stack.last_mut()?;
        parent.has_children = true;
        let value = Value::Object(element.members);
        match (parent.members.get_mut(&element.name), is_list) {
            (Some(Value::Array(list)), true) => list.push(value),
            (None, true) => drop(
                parent
                    .members
                    .insert(element.name, Value::Array(vec![value])),
            ),
            (None, false) => drop(parent.members.insert(element.name, value)),
            (Some(_), _) => return None,
        }
        Some(())
    }

    /// Outside the root there is nothing but white space.
    fn text(&mut self, text: &str) -> Option<()> {
        if self.stack.len() == 1 {
            return text.trim().is_empty().then_some(());
        }
        self.stack.last_mut()?.text.push_str(text);
        Some(())
    }

    fn finish(mut self) -> Option<Value> {
        let document = self.stack.pop()?;
        let is_whole = self.stack.is_empty() && document.members.len() == 1;
        is_whole.then_some(Value::Object(document.members))
    }
}

impl Element {
    /// White space between children is how it was printed and no text.
    fn is_only_indented(&self) -> bool {
        self.has_children && self.text.trim().is_empty()
    }
}

/// XML 1.0 §2.3, as far as it keeps elements apart from what stands for attributes and text.
fn can_begin_a_name(name: &str) -> bool {
    let fits =
        |first: char| !first.is_ascii() || first.is_ascii_alphabetic() || "_:".contains(first);
    name.starts_with(fits)
}

/// `&lt;` or `&#228;`; nobody else's entity.
fn character(reference: &BytesRef<'_>) -> Option<char> {
    if reference.is_char_ref() {
        return reference.resolve_char_ref().ok()?;
    }
    match &**reference {
        "amp" => Some('&'),
        "apos" => Some('\''),
        "gt" => Some('>'),
        "lt" => Some('<'),
        "quot" => Some('"'),
        _ => None,
    }
}

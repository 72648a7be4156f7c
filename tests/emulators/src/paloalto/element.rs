//! The XML in `element=`, and what is written back.

use super::refusal::Refusal;
use quick_xml::Reader;
use quick_xml::XmlVersion;
use quick_xml::escape::unescape;
use quick_xml::events::{BytesStart, Event};
use std::collections::BTreeMap;

/// An element with all that is in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Element {
    pub(super) name: String,
    pub(super) attributes: BTreeMap<String, String>,
    pub(super) text: String,
    pub(super) children: Vec<Self>,
}

impl Element {
    /// The elements in a text, one after the other.
    pub(super) fn parse(text: &str) -> Result<Vec<Self>, Refusal> {
        let mut reader = Reader::from_str(text);
        let mut open = vec![Self::default()];
        loop {
            match reader.read_event().map_err(|_| Refusal::MALFORMED)? {
                Event::Start(tag) => open.push(Self::of(&tag)?),
                Event::Empty(tag) => {
                    open.push(Self::of(&tag)?);
                    close(&mut open)?;
                }
                Event::End(_) => close(&mut open)?,
                Event::Text(text) => append(&mut open, &text.xml10_content()),
                Event::GeneralRef(reference) => {
                    let name = format!("&{};", &*reference);
                    append(&mut open, &unescape(&name).map_err(|_| Refusal::MALFORMED)?);
                }
                Event::Eof => break,
                _ => return Err(Refusal::MALFORMED),
            }
        }
        match (open.pop(), open.is_empty()) {
            (Some(whole), true) => Ok(whole.children),
            _ => Err(Refusal::MALFORMED),
        }
    }

    fn of(tag: &BytesStart<'_>) -> Result<Self, Refusal> {
        let mut attributes = BTreeMap::new();
        for attribute in tag.attributes() {
            let attribute = attribute.map_err(|_| Refusal::MALFORMED)?;
            let value = attribute.normalized_value(XmlVersion::Implicit1_0);
            let value = value.map_err(|_| Refusal::MALFORMED)?;
            attributes.insert(attribute.key.as_ref().to_owned(), value.into_owned());
        }
        Ok(Self {
            name: tag.name().as_ref().to_owned(),
            attributes,
            ..Self::default()
        })
    }
}

fn append(open: &mut [Element], text: &str) {
    if let Some(element) = open.last_mut() {
        element.text.push_str(text);
    }
}

fn close(open: &mut Vec<Element>) -> Result<(), Refusal> {
    let element = open.pop().ok_or(Refusal::MALFORMED)?;
    let parent = open.last_mut().ok_or(Refusal::MALFORMED)?;
    parent.children.push(element);
    Ok(())
}

/// A text for an element or attribute.
pub(super) fn escape(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;");
    text.replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('\n', "&#10;")
}

//! XML as a small tree, for vendors that speak it.
//!
//! An element is an object: attributes under `@name`, its text under `#text`, its children under
//! their names. `<a x="1">hi<b/></a>` is `{"a": {"@x": "1", "#text": "hi", "b": {}}}`. An element
//! is an object even if it only holds text, and those a manifest calls lists are arrays even if
//! there is one, so that a reply's shape never depends on its content.
//!
//! DTDs and entities are refused, not ignored: a reply that declares any is no answer.

mod read;
#[cfg(test)]
mod tests;
mod write;

pub use read::read;
pub use write::{Unwritable, write};

/// The key of an element's text.
pub const TEXT: &str = "#text";

/// What stands before the name of an attribute.
const ATTRIBUTE: char = '@';

/// Deeper documents are refused in both directions.
const DEPTH: usize = 64;

//! How large a value of a script may be, everything in it together. A page of 200 users with 20 KiB
//! of text, 50 elements and 150 members each fits.

/// Bytes of text.
pub(crate) const MOST_TEXT: usize = 4 << 20;

/// Elements of arrays.
pub(crate) const MOST_ELEMENTS: usize = 10_000;

/// Members of maps.
pub(crate) const MOST_MEMBERS: usize = 30_000;

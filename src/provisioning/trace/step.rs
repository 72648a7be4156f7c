//! The steps of a story: plain data, so that noting one costs a push.

use std::borrow::Cow;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// A word that is mostly known when the gateway is built.
pub type Word = Cow<'static, str>;

/// A step, and when it was noted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Moment {
    /// Microseconds since the request came.
    pub after_us: u64,
    /// What happened.
    #[serde(flatten)]
    pub step: Step,
}

/// One thing that happened while a request was carried out. Names of attributes, ids and codes
/// stand in it as they are; a value only masked (see [`mask`](super::mask)).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "step", rename_all = "snake_case")]
pub enum Step {
    /// A filter was read: normalised, its values masked.
    Filter {
        /// `userName eq "a…@e…com"`.
        filter: String,
    },
    /// One operation of a PATCH, in normal form.
    Patch {
        /// `add`, `remove` or `replace`.
        op: Word,
        /// Normalised, values in it masked.
        path: String,
    },
    /// Attributes that no schema has were skipped.
    Ignored {
        /// As they were spelt, without what stood in brackets.
        attributes: Vec<String>,
    },
    /// The vendor's id was looked up for the SCIM id.
    Id {
        /// Out of memory, so that the store was not asked.
        cached: bool,
    },
    /// The object was read by its id.
    Read {
        /// Whether there is one.
        found: bool,
    },
    /// Objects were looked up by an attribute's value.
    Lookup {
        /// Canonical spelling.
        attribute: String,
        /// How many came; they are candidates until they were compared.
        candidates: usize,
    },
    /// A page of the vendor's list was read.
    Page {
        /// Rows on it.
        rows: usize,
    },
    /// What is going to be done, in this order.
    Plan {
        /// Each step in words; ids and names of attributes, no values.
        steps: Vec<String>,
    },
    /// What the request changes.
    Changes {
        /// One entry an attribute.
        attributes: Vec<Modified>,
    },
    /// Who joins and who leaves.
    Members {
        /// One entry a member.
        changes: Vec<Membership>,
    },
    /// The table made native fields of the changes.
    Fields {
        /// Their names, uppermost level only.
        names: Vec<String>,
    },
    /// Values that Entra once sent stand in the answer, where the vendor's own do not lead back
    /// to them.
    Remembered {
        /// Canonical spellings.
        attributes: Vec<String>,
    },
    /// The vendor keeps other values than it was sent, so that Entra sees a difference and sends
    /// them again.
    NotTaken {
        /// One entry an attribute.
        attributes: Vec<Kept>,
    },
    /// A function of the script was called.
    Function {
        /// `update_user`.
        name: Word,
        /// To its end, waiting for the vendor included, in microseconds.
        took_us: u64,
        /// Operations of the script engine.
        #[serde(default)]
        operations: u32,
        /// Whether it gave something back. One that threw, or was cut short, did not.
        gave: bool,
    },
    /// A call to the vendor ended, after all its tries.
    Call {
        /// `GET`, `POST`, `PUT`, `PATCH` or `DELETE`.
        method: Word,
        /// Below the base URL; whatever may be a person's is masked.
        path: String,
        /// What the vendor answered.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        status: Option<u16>,
        /// Why there was no answer, in fixed words.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        fault: Option<Word>,
        /// All tries and the pauses between them, in microseconds.
        took_us: u64,
    },
    /// The vendor was asked for a token or a key to call with.
    Login {
        /// Without the vendor's host and the query.
        path: String,
        /// What it answered.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        status: Option<u16>,
        /// Microseconds.
        took_us: u64,
    },
    /// A call did not go out.
    HeldBack {
        /// Why, in fixed words.
        because: Word,
    },
    /// A try of a call failed and was repeated.
    Retry {
        /// Which one failed, from 1.
        attempt: u32,
        /// What came of it: `503`, `lost`, `not sent`.
        because: Word,
        /// The pause before the next one, in microseconds.
        pause_us: u64,
    },
    /// The request waited for something of the gateway's own.
    Waited {
        /// What for.
        wait: Wait,
        /// Microseconds.
        took_us: u64,
    },
    /// The gateway chose a way that the request alone does not show.
    Decided {
        /// Which.
        decision: Decision,
    },
}

/// One attribute that a request changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Modified {
    /// Canonical spelling: `emails[type eq "work"].value`.
    pub name: String,
    /// What the vendor held, masked; unknown unless it was read.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub old: Option<String>,
    /// What it is to be, masked; `None` unassigns it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub new: Option<String>,
}

/// Who joins or leaves a group: to a group's request its members, by their SCIM ids.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Membership {
    /// The user's SCIM id.
    pub member: String,
    /// Whether the user joins; else the user leaves.
    pub joins: bool,
}

/// One value that the vendor keeps otherwise than it was sent, in the vendor's own spelling.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// The attribute's canonical spelling.
    pub name: String,
    /// What the vendor was sent, masked.
    pub sent: String,
    /// What it holds instead, masked.
    pub kept: String,
}

/// What a request can wait for in the gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Wait {
    /// Another request that writes the same resource or name.
    Lock,
    /// One of the tenant's calls to the vendor that may be under way at once.
    Place,
    /// The tenant's rate of calls to the vendor.
    Rate,
}

/// Ways the gateway chooses.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// No native field changes, or no further one: the vendor was not told of any.
    NothingToTell,
    /// The gateway keeps what the vendor has no place for, or holds in other words.
    KeptHere,
    /// The outcome depends on what the vendor holds, which was read first.
    ReadFirst,
    /// The object stood there already and is the request's own, of an earlier try: it was
    /// brought into the wanted state.
    Adopted,
    /// Somebody else's object has this attribute's value.
    Taken(String),
    /// The vendor did not confirm a write; looking showed that it was carried out.
    FoundDone,
    /// The vendor did not confirm a write, and looking did not show it.
    StillInDoubt,
    /// The vendor had removed the object by itself: it was made again under its SCIM id.
    MadeAnew,
    /// The vendor has removed the disabled object by itself: the answer is what was kept of it.
    AnsweredFromKept,
    /// The object to be deleted was gone.
    AlreadyGone,
}

/// A span of time as steps hold it.
pub(crate) fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

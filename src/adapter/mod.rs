//! What the gateway knows of a vendor, and what it does with it.

pub mod backend;
pub mod keys;
pub mod manifest;
pub mod memory;
pub mod outcome;
pub mod replies;

pub use backend::{Backend, CallBody, CallFault, LocalBoxFuture, VendorCall, VendorReply, Verb};
pub use keys::{NativeId, ObjectKey, ScimId, TenantId};
pub use memory::{Memory, MemoryError, Remembered};
pub use outcome::{Failure, GatewayFault, ScriptFault, VendorFault};

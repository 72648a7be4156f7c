//! The converters behind a table's methods, and why a value may have no native form.

use rhai::{AST, CallFnOptions, Dynamic, Engine, FnPtr, Scope};
use serde_json::Value;

use crate::convert::country::Style;
use crate::scim::{Leaf, ScimError};
use crate::script::fault::{Failure, GatewayFault};
use crate::script::host::json;
use crate::script::program::{Script, thrown_fault};

/// A [`Conversion`](crate::script::host::table::Conversion), compiled.
#[derive(Clone, Debug)]
pub(super) enum Converter {
    AsIs,
    Lower,
    Trimmed,
    Values {
        pairs: Vec<(String, Value)>,
        reads: Vec<(String, String)>,
        other: Option<Value>,
    },
    Language {
        separator: String,
        list: Vec<String>,
    },
    Country(Style),
    Phone {
        country: Option<Leaf>,
    },
    TimeZone,
    /// A SCIM id; the operation puts the native id in its place, or another field's value.
    Reference {
        by: Option<String>,
    },
    Custom {
        to: Option<FnPtr>,
        from: Option<FnPtr>,
    },
}

impl Converter {
    /// Whether converting a value to its native form calls a closure of the script.
    pub(super) fn is_closure(&self) -> bool {
        matches!(self, Self::Custom { to: Some(_), .. })
    }
}

/// Why a value has no native form.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// The client's value is not acceptable; what would be.
    Invalid(String),
    /// It depends on a value that only the vendor knows.
    NeedsRead,
    /// A closure failed.
    Failed(Failure),
}

/// Calls a table's own closures. They get no script context, so they can only convert.
pub(crate) struct Closures<'a> {
    pub(crate) engine: &'a Engine,
    pub(crate) ast: &'a AST,
    pub(crate) script: &'a Script,
    pub(crate) title: &'a str,
}

impl Closures<'_> {
    /// Calls a closure of the row of `attribute`.
    pub(super) fn call(
        &self,
        closure: &FnPtr,
        argument: Dynamic,
        attribute: &str,
    ) -> Result<Value, Failure> {
        let result = match self.script.serves_constants && !closure.is_curried() {
            // Only so does it see `global::NAME`.
            true => self.engine.call_fn_with_options::<Dynamic>(
                CallFnOptions::new().eval_ast(true),
                &mut Scope::new(),
                self.ast,
                closure.fn_name(),
                (argument,),
            ),
            false => closure.call::<Dynamic>(self.engine, self.ast, (argument,)),
        };
        let value = result.map_err(|error| match thrown_fault(&error) {
            Some(fault) => fault.into_failure(self.title),
            None => {
                let row = format!("the row of {attribute}");
                self.script.fault(&error, &row).into()
            }
        })?;
        Ok(json::to_value(&value).unwrap_or(Value::Null))
    }
}

impl Refusal {
    /// As the request's failure, where there is nothing more to read.
    pub(crate) fn into_failure(self) -> Failure {
        match self {
            Self::Failed(failure) => failure,
            Self::Invalid(expected) => {
                ScimError::invalid_value(format!("A value must be {expected}.")).into()
            }
            Self::NeedsRead => GatewayFault::Internal.into(),
        }
    }
}

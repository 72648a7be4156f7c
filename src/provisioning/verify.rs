//! Whether what a tenant is set up with works at its vendor: the script's `verify()`.

use std::rc::Rc;

use tracing::Span;

use super::operation::Operation;
use crate::adapter::compile::VERIFY;
use crate::scim::{Query, ResourceKind, ScimError};
use crate::script::fault::{Failure, VendorFault};
use crate::script::origin::Origin;

impl Operation {
    /// Calls `verify()`, if the script has it.
    ///
    /// # Errors
    /// What it throws. That of a value or an object is said of the tenant's setup: no request is
    /// to blame.
    pub async fn verify(&self) -> Result<(), Failure> {
        if self.adapter.script.arity(VERIFY).is_none() {
            return Ok(());
        }
        let effects = Rc::default();
        let verified = self.run(&effects, Span::none(), |vm| vm.call(VERIFY, ()).map(drop));
        verified.await.map_err(|failure| match failure {
            Failure::Client(error) => of_setup(error),
            other => other,
        })
    }

    /// Verifies the setup where Entra's Test Connection asks, which looks for a user whose name is
    /// a random UUID, and none is found.
    ///
    /// # Errors
    /// As [`verify`](Self::verify).
    pub(super) async fn verify_if_tested(
        &self,
        queries: &[(ResourceKind, &Query)],
        found: usize,
    ) -> Result<(), Failure> {
        match found == 0 && is_test_connection(queries) {
            true => Box::pin(self.verify()).await,
            false => Ok(()),
        }
    }
}

/// A value that is refused, or an object that is not there: the tenant's setup names it.
fn of_setup(error: ScimError) -> Failure {
    let ScimError { detail, note, .. } = error;
    let (cause, action) = note.map_or_else(Default::default, |note| (note.cause, note.action));
    let what = match cause.as_str() {
        "" => detail.clone(),
        cause => format!("{cause}: {detail}"),
    };
    let origin = Origin {
        what,
        action,
        ..Origin::default()
    };
    Failure::Vendor(VendorFault::Setup { detail }, Some(Box::new(origin)))
}

fn is_test_connection(queries: &[(ResourceKind, &Query)]) -> bool {
    let [(ResourceKind::User, query)] = queries else {
        return false;
    };
    let equalities = query.filter.as_ref().and_then(|filter| filter.equalities());
    let Some([(leaf, value)]) = equalities.as_deref() else {
        return false;
    };
    let name = value.as_str().unwrap_or_default();
    leaf.attribute == "userName" && uuid::Uuid::try_parse(name).is_ok()
}

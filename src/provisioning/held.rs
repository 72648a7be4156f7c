//! How much of what vendors hold requests may keep while they look for what matches: of one tenant,
//! and of all.

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

use serde_json::Value;

use super::outcome::Outcome;
use crate::adapter::keys::TenantId;
use crate::scim::{Object, ScimError};
use crate::script::fault::GatewayFault;

/// Bytes of one tenant's requests together: some five thousand users.
const OF_TENANT: usize = 24 << 20;
/// Bytes of all of them.
const OF_ALL: usize = 48 << 20;
/// Bytes that one value takes beside its text.
const VALUE: usize = 96;

static TAKEN: LazyLock<Mutex<Taken>> = LazyLock::new(Mutex::default);

/// Bytes that all requests hold.
#[derive(Default)]
struct Taken {
    all: usize,
    by_tenant: HashMap<TenantId, usize>,
}

/// What one request holds; given back when dropped.
#[derive(Debug)]
pub(super) struct Held {
    tenant: TenantId,
    bytes: usize,
}

impl Held {
    pub(super) fn of(tenant: &TenantId) -> Self {
        Self {
            tenant: tenant.clone(),
            bytes: 0,
        }
    }

    /// Holds one resource more.
    ///
    /// # Errors
    /// `tooMany` where this request alone asks for too much; 503 where others hold what it needs.
    pub(super) fn take(&mut self, resource: &Object) -> Outcome<()> {
        let bytes = members(resource);
        if self.bytes + bytes > OF_TENANT {
            return Err(too_many().into());
        }
        let taken = &mut *taken();
        let own = taken.by_tenant.entry(self.tenant.clone()).or_default();
        if *own + bytes > OF_TENANT || taken.all + bytes > OF_ALL {
            return Err(GatewayFault::Overloaded.into());
        }
        *own += bytes;
        taken.all += bytes;
        self.bytes += bytes;
        Ok(())
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let taken = &mut *taken();
        taken.all = taken.all.saturating_sub(self.bytes);
        if let Some(own) = taken.by_tenant.get_mut(&self.tenant) {
            *own = own.saturating_sub(self.bytes);
            if *own == 0 {
                taken.by_tenant.remove(&self.tenant);
            }
        }
    }
}

fn taken() -> MutexGuard<'static, Taken> {
    TAKEN.lock().unwrap_or_else(PoisonError::into_inner)
}

fn weight(value: &Value) -> usize {
    VALUE
        + match value {
            Value::String(text) => text.len(),
            Value::Array(elements) => elements.iter().map(weight).sum(),
            Value::Object(parts) => members(parts),
            Value::Null | Value::Bool(_) | Value::Number(_) => 0,
        }
}

fn members(parts: &Object) -> usize {
    parts
        .iter()
        .map(|(name, value)| name.len() + weight(value))
        .sum()
}

fn too_many() -> ScimError {
    ScimError::too_many(
        "More objects match than the gateway can hold at once. Ask for fewer: filter by userName or another \
         attribute that the vendor can search by, or leave sortBy out.",
    )
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::provisioning::outcome::NotDone;

    fn of(tenant: &str) -> Held {
        Held::of(&TenantId::parse(tenant).unwrap())
    }

    fn resource(bytes: usize) -> Object {
        Object::from_iter([("n".to_owned(), "x".repeat(bytes).into())])
    }

    #[test]
    fn one_request_and_one_tenant_and_all_hold_no_more_than_they_may() {
        let mib = resource((1 << 20) - VALUE - 1);
        let mut first = of("held-a");
        for _ in 0..24 {
            first.take(&mib).unwrap();
        }
        let refused = first.take(&mib).unwrap_err();
        let text = format!("{refused:?}");
        assert!(text.contains("leave sortBy out"), "{text}");
        let refused = of("held-a").take(&mib).unwrap_err();
        assert!(
            !matches!(refused, NotDone::Refused(_)),
            "it is not to blame"
        );
        let mut second = of("held-b");
        for _ in 0..24 {
            second.take(&mib).unwrap();
        }
        assert!(of("held-c").take(&mib).is_err());
        drop(first);
        of("held-c").take(&mib).unwrap();
        drop(second);
        assert!(
            !taken()
                .by_tenant
                .keys()
                .any(|tenant| tenant.as_str().starts_with("held-"))
        );
    }
}

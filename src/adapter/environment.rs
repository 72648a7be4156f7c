//! What a script sees of its adapter and of the tenant it runs for.

use std::rc::Rc;
use std::sync::Arc;

use serde_json::Value;

use super::Adapter;
use super::settings::Settings;
use crate::script::effects::Effects;
use crate::script::environment::{BatchPort, Environment};
use crate::script::once::TenantLookUps;
use crate::script::replies::ReplyTable;

/// One tenant's adapter, for its script.
pub(crate) struct TenantEnvironment {
    adapter: Arc<Adapter>,
    settings: Arc<Settings>,
    batches: Option<Box<dyn BatchPort>>,
    effects: Rc<Effects>,
    look_ups: TenantLookUps,
}

impl TenantEnvironment {
    /// `batches` is who takes items of batches; a batch's own function has nobody. `effects`
    /// learns what the script's calls have done.
    pub(crate) fn new(
        adapter: &Arc<Adapter>,
        settings: &Arc<Settings>,
        batches: Option<impl BatchPort + 'static>,
        effects: &Rc<Effects>,
        look_ups: &TenantLookUps,
    ) -> Self {
        Self {
            adapter: Arc::clone(adapter),
            settings: Arc::clone(settings),
            batches: batches.map(|batches| Box::new(batches) as Box<dyn BatchPort>),
            effects: Rc::clone(effects),
            look_ups: look_ups.clone(),
        }
    }
}

impl Environment for TenantEnvironment {
    fn replies(&self) -> &ReplyTable {
        &self.adapter.replies
    }

    fn setting(&self, name: &str) -> Option<&Value> {
        self.settings.get(name)
    }

    fn graphql(&self) -> Option<&str> {
        self.adapter.manifest.graphql.as_deref()
    }

    fn request_token(&self) -> Option<&str> {
        self.adapter.manifest.request_token.as_deref()
    }

    fn effects(&self) -> &Effects {
        &self.effects
    }

    fn look_ups(&self) -> &TenantLookUps {
        &self.look_ups
    }

    fn batches(&self) -> Option<&dyn BatchPort> {
        self.batches.as_deref()
    }
}

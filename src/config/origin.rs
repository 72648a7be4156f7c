//! Where each value of a configuration comes from.

use std::collections::BTreeMap;

use super::layer::Layer;

/// Says of each key which layer gave it its value.
#[derive(Clone, Debug, PartialEq)]
pub struct Origins(BTreeMap<String, String>);

impl Origins {
    /// Of layers, later ones on top.
    pub(super) fn of(layers: &[Layer]) -> Self {
        let each = layers.iter().flat_map(|layer| {
            let origin = layer.origin();
            layer.keys().map(move |key| (key, origin.to_owned()))
        });
        Self(each.collect())
    }

    /// `config.default.toml`, the path of a file, or `environment variable SCIMGATE_…`;
    /// `key` is a dotted path. `None` for a key without a value.
    pub fn of_key(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(String::as_str)
    }
}

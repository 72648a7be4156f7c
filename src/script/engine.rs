//! The one script engine: packages, limits, closed doors. Shared by all
//! threads, tenants and generations; it holds no state of any of them.

use std::sync::LazyLock;

use rhai::packages::{
    ArithmeticPackage, BasicArrayPackage, BasicIteratorPackage, BasicMapPackage, BasicMathPackage,
    BasicStringPackage, LanguageCorePackage, LogicPackage, MoreStringPackage, Package as _,
};
use rhai::{Engine, OptimizationLevel};

use super::fiber;
use super::host::{self, document::Docs};
use super::{limits, natives, own_faults, printed};

/// The engine and the manual of its host functions.
pub struct Scripting {
    pub(crate) engine: Engine,
    docs: Docs,
}

impl Scripting {
    /// The manual of the host functions.
    pub fn docs(&self) -> &Docs {
        &self.docs
    }
}

/// The engine of this process.
pub fn scripting() -> &'static Scripting {
    static SCRIPTING: LazyLock<Scripting> = LazyLock::new(build);
    &SCRIPTING
}

/// An engine like it for one user, who may add to it.
pub(crate) fn unshared() -> Engine {
    build().engine
}

/// The language and all its own functions, and nothing of ours.
pub(crate) fn language() -> Engine {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the one place that makes an engine"
    )]
    let mut engine = Engine::new_raw();
    LanguageCorePackage::new().register_into_engine(&mut engine);
    ArithmeticPackage::new().register_into_engine(&mut engine);
    LogicPackage::new().register_into_engine(&mut engine);
    BasicMathPackage::new().register_into_engine(&mut engine);
    BasicStringPackage::new().register_into_engine(&mut engine);
    MoreStringPackage::new().register_into_engine(&mut engine);
    BasicArrayPackage::new().register_into_engine(&mut engine);
    BasicMapPackage::new().register_into_engine(&mut engine);
    BasicIteratorPackage::new().register_into_engine(&mut engine);
    engine
}

fn build() -> Scripting {
    let mut engine = language();
    limit(&mut engine);
    close_doors(&mut engine);
    fiber::install_guards(&mut engine);
    own_faults::register(&mut engine);
    let docs = host::register(&mut engine);
    Scripting { engine, docs }
}

/// rhai's own limits: nearly free, and the first line of three (the others are
/// the fiber's guards and the size of a source file).
fn limit(engine: &mut Engine) {
    engine
        .set_max_call_levels(32)
        // A chain of methods inside an array needs this depth; the stack is
        // bounded by the fiber's stack check, not by it.
        .set_max_expr_depths(64, 64)
        // Each is of a value and all that is in it, so that they bound its depth too: the stack
        // has room for dropping an array of maps of arrays as deep as both together.
        .set_max_string_size(limits::MOST_TEXT)
        .set_max_array_size(limits::MOST_ELEMENTS)
        .set_max_map_size(limits::MOST_MEMBERS)
        .set_max_variables(256)
        .set_max_functions(500)
        .set_max_modules(0)
        .set_strict_variables(true)
        .set_fail_on_invalid_map_property(true)
        .set_optimization_level(OptimizationLevel::Simple);
}

/// What would block the thread, reach outside, or cost without bound.
fn close_doors(engine: &mut Engine) {
    for symbol in ["eval", "import", "export"] {
        engine.disable_symbol(symbol);
    }
    engine.on_print(printed::print);
    engine.on_debug(|text, _, place| match place.line() {
        Some(line) => printed::print(&format!("line {line}: {text}")),
        None => printed::print(text),
    });

    // `disable_symbol` does not reach functions.
    natives::restrict(engine);
}

//! Which of rhai's own functions scripts have: those on this list, each with its bound, and no
//! other. What a later rhai adds is closed until somebody has looked at it.

use std::any::TypeId;

use rhai::{Array, Dynamic, Engine, EvalAltResult, FuncMetadata, NativeCallContext};

type Thrown = Box<EvalAltResult>;

/// Values without contents: work and result are constant.
const CONSTANT: &str = "
    ! % & * ** - / << >> ^ | E PI abs bytes ceiling end exp floor fraction int is_empty is_even
    is_exclusive is_finite is_inclusive is_infinite is_nan is_odd is_zero len ln log max min range
    round sign sqrt start to_binary to_float to_hex to_int to_octal";

/// Work and result are at most proportional to what is given, which is bounded by the engine's
/// limits; what a function is called for each element is counted as operations.
const PROPORTIONAL: &str = "
    != + += < <= == > >= all append chars chop clear contains crop debug dedup drain ends_with
    extract fill_with filter find find_map for_each get index_of insert keys make_lower make_upper
    map mixin order order_by order_desc parse_float parse_int pop print push reduce reduce_rev
    remove retain reverse set shift some sort sort_by sort_desc splice starts_with sub_string take
    to_debug to_lower to_string to_upper trim truncate values zip";

/// The size of the result is looked at before it is made: by rhai (`pad`), or by the functions
/// below, which stand in the place of rhai's.
const MEASURED: &str = "pad replace split to_chars";

/// What rhai has under a name that is open, and without a bound; by the parameter that tells it.
const UNBOUNDED: &[(&str, &str)] = &[
    // Multiplies sizes without looking whether they fit.
    ("pad", "item"),
    ("pad", "padding"),
    ("split", "segments"),
];

/// Whether scripts have a function of this name from rhai.
pub(super) fn is_open(name: &str) -> bool {
    let name = name.strip_prefix("get$").unwrap_or(name);
    [CONSTANT, PROPORTIONAL, MEASURED]
        .iter()
        .any(|list| list.split_whitespace().any(|open| open == name))
}

/// Whether scripts have this one of rhai's.
fn is_permitted(function: &FuncMetadata) -> bool {
    let unbounded = UNBOUNDED.iter().any(|(name, parameter)| {
        let mut infos = function.params_info.iter();
        function.name == *name && infos.any(|info| info.starts_with(*parameter))
    });
    is_open(&function.name) && !unbounded && function.param_types.iter().all(|of| is_known(*of))
}

/// The types that a value of a script can have.
fn is_known(of: TypeId) -> bool {
    let closed = [
        TypeId::of::<i8>(),
        TypeId::of::<i16>(),
        TypeId::of::<i32>(),
        TypeId::of::<i128>(),
        TypeId::of::<u8>(),
        TypeId::of::<u16>(),
        TypeId::of::<u32>(),
        TypeId::of::<u64>(),
        TypeId::of::<u128>(),
        TypeId::of::<f32>(),
        TypeId::of::<rhai::Blob>(),
    ];
    !closed.contains(&of)
}

/// Takes the place of everything of the language's that is not permitted, and of what must be
/// measured first.
pub(super) fn restrict(engine: &mut Engine) {
    let all = engine.collect_fn_metadata(None, |info| Some(info.metadata.clone()), true);
    for function in all.iter().filter(|function| !is_permitted(function)) {
        engine.register_raw_fn(
            function.name.as_str(),
            function.param_types.as_slice(),
            |context, _| closed(&context),
        );
    }
    register_replace(engine);
    engine.register_fn(
        "split",
        |context: NativeCallContext<'_>, text: &str, at: &str| {
            listed(&context, text.split(at).map(text_of))
        },
    );
    engine.register_fn(
        "split",
        |context: NativeCallContext<'_>, text: &str, at: char| {
            listed(&context, text.split(at).map(text_of))
        },
    );
    engine.register_fn("split", |context: NativeCallContext<'_>, text: &str| {
        listed(&context, text.split_whitespace().map(text_of))
    });
    engine.register_fn("to_chars", |context: NativeCallContext<'_>, text: &str| {
        listed(&context, text.chars().map(Dynamic::from))
    });
}

/// Gives the new text, whether texts or characters are replaced.
fn register_replace(engine: &mut Engine) {
    type Context<'a> = NativeCallContext<'a>;
    engine.register_fn(
        "replace",
        |context: Context<'_>, text: &str, from: &str, to: &str| replace(&context, text, from, to),
    );
    engine.register_fn(
        "replace",
        |context: Context<'_>, text: &str, from: char, to: &str| {
            replace(&context, text, from.encode_utf8(&mut [0; 4]), to)
        },
    );
    engine.register_fn(
        "replace",
        |context: Context<'_>, text: &str, from: &str, to: char| {
            replace(&context, text, from, to.encode_utf8(&mut [0; 4]))
        },
    );
    engine.register_fn(
        "replace",
        |context: Context<'_>, text: &str, from: char, to: char| {
            let (mut one, mut other) = ([0; 4], [0; 4]);
            replace(
                &context,
                text,
                from.encode_utf8(&mut one),
                to.encode_utf8(&mut other),
            )
        },
    );
}

fn closed(context: &NativeCallContext<'_>) -> Result<Dynamic, Thrown> {
    let text = format!("{}() is not available to scripts", context.fn_name());
    Err(EvalAltResult::ErrorRuntime(text.into(), context.call_position()).into())
}

/// rhai's own `replace` makes the whole result before it looks at the limit: 16 KiB
/// replaced by itself is half a gigabyte.
fn replace(
    context: &NativeCallContext<'_>,
    text: &str,
    from: &str,
    to: &str,
) -> Result<String, Thrown> {
    let found = match from {
        "" => 0,
        from => text.matches(from).count(),
    };
    let size = text.len().saturating_add(found.saturating_mul(to.len()));
    if size > context.engine().max_string_size() {
        return Err(too_large("text", context));
    }
    Ok(match found {
        0 => text.to_owned(),
        _ => text.replace(from, to),
    })
}

fn text_of(piece: &str) -> Dynamic {
    piece.into()
}

/// An array of what the engine's limit lets an array hold.
fn listed(
    context: &NativeCallContext<'_>,
    items: impl Iterator<Item = Dynamic> + Clone,
) -> Result<Array, Thrown> {
    let most = context.engine().max_array_size();
    if items.clone().take(most + 1).count() > most {
        return Err(too_large("array", context));
    }
    Ok(items.collect())
}

fn too_large(what: &str, context: &NativeCallContext<'_>) -> Thrown {
    let text = format!(
        "{}() would make too large a value: {what}",
        context.fn_name()
    );
    EvalAltResult::ErrorDataTooLarge(text, context.call_position()).into()
}

#[cfg(test)]
mod tests;

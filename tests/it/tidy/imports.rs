//! Which file of the house uses what of which other one: its `use` items and paths, read by a
//! parser. What is only compiled for tests counts nowhere.

use std::collections::{BTreeMap, BTreeSet};

use syn::visit::{self, Visit};
use syn::{Attribute, Item, UseTree};

/// The segments of a path; absolute ones begin below the crate.
type Segments = Vec<String>;

/// One file as its imports have it.
struct File {
    /// From the root of the repository: `src/scim/mod.rs`.
    path: String,
    /// What is defined in it, modules apart.
    items: BTreeSet<String>,
    /// What its `use` items bring: name and absolute path.
    names: BTreeMap<String, Segments>,
    /// The modules whose whole content its `use` items bring.
    globs: Vec<Segments>,
    /// All it names of the house, absolute.
    used: BTreeSet<Segments>,
}

/// All files, by their module.
pub(super) struct Imports(BTreeMap<Segments, File>);

impl Imports {
    /// Reads files: path from the root of the repository, and text.
    pub(super) fn read<'a>(sources: impl Iterator<Item = (&'a str, &'a str)>) -> Self {
        let files = sources.map(|(path, text)| {
            let module = module_of(path);
            let file = syn::parse_file(text).unwrap_or_else(|error| panic!("{path}: {error}"));
            (module.clone(), File::read(path, module, &file))
        });
        Self(files.collect())
    }

    /// Which room uses which other one: both, and one place where it does.
    pub(super) fn between_rooms(&self) -> BTreeMap<(&str, &str), String> {
        let mut arrows = BTreeMap::new();
        for (module, file) in &self.0 {
            for used in &file.used {
                if let (Some(from), Some(to)) = (module.first(), used.first())
                    && from != to
                {
                    let place = format!("{} uses {}", file.path, used.join("::"));
                    arrows.entry((&**from, &**to)).or_insert(place);
                }
            }
        }
        arrows
    }

    /// The files of a room that use each other in a circle: each with those it uses there.
    pub(super) fn circles(&self, room: &str) -> Vec<String> {
        let in_room = |module: &&Segments| module.first().is_some_and(|first| first == room);
        let modules = self.0.keys().filter(in_room);
        let arrows = modules.map(|module| {
            let owners = self.0[module].used.iter();
            let owners = owners.filter_map(|used| self.owner(used)).filter(in_room);
            (module, owners.filter(|owner| *owner != module).collect())
        });
        let arrows: BTreeMap<_, BTreeSet<_>> = arrows.collect();
        let mut told = Vec::new();
        for (module, others) in &arrows {
            let back = others.iter().filter(|other| leads(&arrows, other, module));
            let back: Vec<_> = back.map(|other| other.join("::")).collect();
            if !back.is_empty() {
                told.push(format!("{} uses {}", module.join("::"), back.join(", ")));
            }
        }
        told
    }

    /// The file that defines what a path names; `None` for a module as such.
    fn owner(&self, path: &[String]) -> Option<&Segments> {
        let most = (0..=path.len()).rev();
        let (module, file) = most
            .filter_map(|end| self.0.get_key_value(&path[..end]))
            .next()?;
        let (name, rest) = path[module.len()..].split_first()?;
        if file.items.contains(name) {
            return Some(module);
        }
        if let Some(target) = file.names.get(name) {
            let target: Segments = target.iter().chain(rest).cloned().collect();
            return self.owner(&target);
        }
        let globs = file
            .globs
            .iter()
            .filter_map(|glob| self.0.get_key_value(glob));
        let mut defining = globs.filter(|(_, file)| file.items.contains(name));
        // What a macro defines is not seen: it is taken for the module's own.
        Some(defining.next().map_or(module, |(module, _)| module))
    }
}

/// Whether a way leads from one file to another.
fn leads(
    arrows: &BTreeMap<&Segments, BTreeSet<&Segments>>,
    from: &Segments,
    to: &Segments,
) -> bool {
    let (mut open, mut seen) = (vec![from], BTreeSet::from([from]));
    while let Some(next) = open.pop() {
        if next == to {
            return true;
        }
        open.extend(arrows[next].iter().filter(|other| seen.insert(**other)));
    }
    false
}

impl File {
    fn read(path: &str, module: Segments, file: &syn::File) -> Self {
        let mut reader = Reader {
            module,
            children: children(&file.items),
            names: BTreeMap::new(),
            imported: Vec::new(),
            globs: Vec::new(),
            paths: Vec::new(),
            items: BTreeSet::new(),
        };
        reader.visit_file(file);
        let used = reader.paths.iter().filter_map(|path| reader.expand(path));
        let used = used.chain(reader.imported.iter().cloned()).collect();
        Self {
            path: path.to_owned(),
            items: reader.items,
            names: reader.names,
            globs: reader.globs,
            used,
        }
    }
}

struct Reader {
    module: Segments,
    /// The modules in files below this one.
    children: BTreeSet<String>,
    names: BTreeMap<String, Segments>,
    /// What `use` items bring for the file itself.
    imported: Vec<Segments>,
    globs: Vec<Segments>,
    paths: Vec<Segments>,
    items: BTreeSet<String>,
}

impl Reader {
    /// An absolute path of one as written; `None` if it leads out of the house.
    fn absolute(&self, path: &[String]) -> Option<Segments> {
        let (first, rest) = path.split_first()?;
        let above = path
            .iter()
            .take_while(|segment| *segment == "super")
            .count();
        let base = match first.as_str() {
            "crate" => &[],
            "self" => &self.module[..],
            "super" => {
                let end = self.module.len().checked_sub(above)?;
                return Some([&self.module[..end], &path[above..]].concat());
            }
            name if self.children.contains(name) => {
                return Some([&self.module[..], path].concat());
            }
            _ => return None,
        };
        Some([base, rest].concat())
    }

    /// The same of a path in code, which may begin with an imported name.
    fn expand(&self, path: &[String]) -> Option<Segments> {
        let (first, rest) = path.split_first()?;
        let imported = self
            .names
            .get(first)
            .map(|target| [&target[..], rest].concat());
        imported.or_else(|| self.absolute(path))
    }

    fn import(&mut self, tree: &UseTree, mut before: Segments) {
        match tree {
            UseTree::Path(path) => {
                before.push(path.ident.to_string());
                self.import(&path.tree, before);
            }
            UseTree::Group(group) => {
                for tree in &group.items {
                    self.import(tree, before.clone());
                }
            }
            UseTree::Name(name) => self.bring(before, &name.ident.to_string(), None),
            UseTree::Rename(name) => {
                let renamed = name.rename.to_string();
                self.bring(before, &name.ident.to_string(), Some(renamed));
            }
            UseTree::Glob(_) => self.globs.extend(self.absolute(&before)),
        }
    }

    fn bring(&mut self, mut path: Segments, name: &str, renamed: Option<String>) {
        if name != "self" {
            path.push(name.to_owned());
        }
        if let Some(target) = self.absolute(&path) {
            let last = path.last().cloned().unwrap_or_default();
            self.names.insert(renamed.unwrap_or(last), target);
        }
    }
}

impl<'ast> Visit<'ast> for Reader {
    fn visit_item(&mut self, item: &'ast Item) {
        if is_test(attributes(item)) {
            return;
        }
        self.items.extend(name_of(item));
        visit::visit_item(self, item);
    }

    fn visit_impl_item_fn(&mut self, function: &'ast syn::ImplItemFn) {
        if !is_test(&function.attrs) {
            visit::visit_impl_item_fn(self, function);
        }
    }

    /// What is passed on within its room is used by whoever takes it from there.
    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        let before = std::mem::take(&mut self.names);
        self.import(&item.tree, Vec::new());
        let brought = std::mem::replace(&mut self.names, before);
        let is_own = matches!(item.vis, syn::Visibility::Inherited);
        let counts = |path: &&Segments| is_own || path.first() != self.module.first();
        self.imported
            .extend(brought.values().filter(counts).cloned());
        self.names.extend(brought);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let segments = path.segments.iter();
        self.paths
            .push(segments.map(|segment| segment.ident.to_string()).collect());
        visit::visit_path(self, path);
    }

    /// A macro's arguments are no syntax; the paths in them are told by their colons.
    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        let text = call.tokens.to_string().replace(" :: ", "::");
        let words = text.split(|letter: char| !(letter.is_alphanumeric() || "_:".contains(letter)));
        let paths = words.filter(|word| word.contains("::"));
        self.paths
            .extend(paths.map(|path| path.split("::").map(str::to_owned).collect()));
        visit::visit_macro(self, call);
    }
}

/// `["scim", "patch"]` of `src/scim/patch/mod.rs`.
fn module_of(path: &str) -> Segments {
    let below = path.trim_start_matches("src/").trim_end_matches(".rs");
    let parts = below.split('/').map(str::to_owned);
    let mut module: Segments = parts.collect();
    module.pop_if(|last| matches!(last.as_str(), "mod" | "lib"));
    module
}

fn children(items: &[Item]) -> BTreeSet<String> {
    let modules = items.iter().filter_map(|item| match item {
        Item::Mod(module) if module.content.is_none() => Some(module.ident.to_string()),
        _ => None,
    });
    modules.collect()
}

fn is_test(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let arguments = attribute.parse_args::<syn::Path>();
        attribute.path().is_ident("cfg") && arguments.is_ok_and(|path| path.is_ident("test"))
    })
}

fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

/// What an item is called, for whoever imports it.
fn name_of(item: &Item) -> Option<String> {
    let name = match item {
        Item::Const(item) => &item.ident,
        Item::Enum(item) => &item.ident,
        Item::Fn(item) => &item.sig.ident,
        Item::Static(item) => &item.ident,
        Item::Struct(item) => &item.ident,
        Item::Trait(item) => &item.ident,
        Item::Type(item) => &item.ident,
        _ => return None,
    };
    Some(name.to_string())
}

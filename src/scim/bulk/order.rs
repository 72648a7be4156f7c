//! In which order operations are carried out.
//!
//! As sent, but for references to what is made later. What an operation refers to is made before
//! it, if that comes to the same (RFC 7644 §3.7: "the same stateful result"): if whatever it
//! overtakes has nothing to do with it. Otherwise, and where references go in a circle (§3.7.1),
//! the resource is made without the reference at its place, and the reference is added as soon as
//! it can be.

use std::collections::HashMap;

use serde_json::Value;

use super::target::Target;
use super::{MAX_OPERATIONS, Method, Operation, late, reference};
use crate::scim::{ResourceKind, Service};

/// What is done with an operation, by its index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// All of it.
    Whole(usize),
    /// A resource is made without the references to what is not made yet.
    First(usize),
    /// Those references are added to it.
    Rest(usize),
    /// Nothing: it needs what can never be made, itself perhaps.
    Stuck(usize),
}

impl Step {
    /// The operation.
    pub(super) fn index(self) -> usize {
        let (Self::Whole(index) | Self::First(index) | Self::Rest(index) | Self::Stuck(index)) =
            self;
        index
    }
}

/// Operations, a bit for each: a hundred of them that all refer to each other are ordered in no
/// time.
type Set = u128;

const _: () = assert!(MAX_OPERATIONS <= Set::BITS as usize);

/// What the order depends on.
struct Node {
    creates: bool,
    kind: Option<ResourceKind>,
    /// The operations whose path has an id that its values mention.
    mentions: Set,
    /// The operations it refers to, itself perhaps among them.
    needs: Set,
    /// Whether it can be made without its references.
    splits: bool,
}

/// The order of a request's operations. Each comes once as `Whole` or `Stuck`, or once as `First`
/// and later once as `Rest`.
pub(super) fn order(operations: &[Operation], service: &Service) -> Vec<Step> {
    let mut planner = Planner::new(&nodes(operations, service));
    for index in 0..operations.len() {
        planner.reach(index);
    }
    planner.end()
}

fn nodes(operations: &[Operation], service: &Service) -> Vec<Node> {
    let (mut makers, mut ids) = (HashMap::new(), HashMap::new());
    for (index, operation) in operations.iter().enumerate() {
        if let Some(bulk_id) = operation.makes() {
            makers.insert(bulk_id, bit(index));
        }
        if let Ok(Target::Item(_, id)) = &operation.target {
            *ids.entry(id.as_str()).or_insert(0) |= bit(index);
        }
    }
    operations
        .iter()
        .map(|operation| node(operation, &makers, &ids, service))
        .collect()
}

fn node(
    operation: &Operation,
    makers: &HashMap<&str, Set>,
    ids: &HashMap<&str, Set>,
    service: &Service,
) -> Node {
    let (mut needs, mut mentions) = (0, 0);
    let mut need = |bulk_id: &str| needs |= makers.get(bulk_id).unwrap_or(&0);
    if let Ok(Target::Made(_, bulk_id)) = &operation.target {
        need(bulk_id);
    }
    if let Some(data) = &operation.data {
        reference::each(data, &mut need);
        collect_mentions(data, ids, &mut mentions);
    }
    Node {
        creates: operation.method == Method::Post,
        kind: operation.target.as_ref().ok().map(Target::kind),
        mentions,
        needs,
        splits: needs != 0 && late::can_split(operation, service),
    }
}

/// Ids stand as values, at the end of URLs and between quotes.
fn collect_mentions(value: &Value, ids: &HashMap<&str, Set>, mentions: &mut Set) {
    match value {
        Value::String(text) => text
            .split(['"', '/'])
            .for_each(|word| *mentions |= ids.get(word).unwrap_or(&0)),
        Value::Array(list) => list
            .iter()
            .for_each(|item| collect_mentions(item, ids, mentions)),
        Value::Object(members) => members
            .values()
            .for_each(|member| collect_mentions(member, ids, mentions)),
        _ => {}
    }
}

/// The operations that must not change places with this one. Operations on one kind of resource
/// may take and free the same unique value, except that of two that make something each would
/// refuse the other.
fn rivals(index: usize, nodes: &[Node]) -> Set {
    let Some(node) = nodes.get(index) else {
        return 0;
    };
    let mut rivals = node.mentions;
    for (at, other) in nodes.iter().enumerate() {
        let apart = node.kind != other.kind || (node.creates && other.creates);
        if !apart || other.mentions & bit(index) != 0 {
            rivals |= bit(at);
        }
    }
    rivals
}

/// The operations that can never be carried out whole: each needs itself before it is there, or
/// needs one of those.
fn stuck(nodes: &[Node]) -> Set {
    let all = || nodes.iter().enumerate();
    let mut made: Set = 0;
    let mut hopeless: Set = 0;
    for _ in nodes {
        made = all()
            .filter(|(_, node)| node.splits || node.needs & !made == 0)
            .fold(made, |made, (index, _)| made | bit(index));
    }
    for _ in nodes {
        hopeless = all()
            .filter(|(index, node)| made & bit(*index) == 0 || node.needs & hopeless != 0)
            .fold(hopeless, |hopeless, (index, _)| hopeless | bit(index));
    }
    hopeless
}

/// What the planner knows of an operation.
struct Plan {
    needs: Set,
    rivals: Set,
    splits: bool,
}

struct Planner {
    plans: Vec<Plan>,
    steps: Vec<Step>,
    /// What is made, wholly or but for references, when the steps so far are done.
    placed: Set,
    /// Came as `First` and not yet as `Rest`.
    unfinished: Set,
    /// Had their turn and wait for what they need.
    waiting: Set,
}

impl Planner {
    fn new(nodes: &[Node]) -> Self {
        let stuck = stuck(nodes);
        let plan = |(index, node): (usize, &Node)| Plan {
            needs: node.needs,
            rivals: rivals(index, nodes),
            splits: node.splits && stuck & bit(index) == 0,
        };
        Self {
            plans: nodes.iter().enumerate().map(plan).collect(),
            steps: Vec::with_capacity(nodes.len()),
            placed: 0,
            unfinished: 0,
            waiting: 0,
        }
    }

    /// It is this operation's turn, if it has not been.
    fn reach(&mut self, index: usize) {
        if (self.placed | self.waiting) & bit(index) != 0 {
            return;
        }
        for needed in each(self.open_needs(index)) {
            let before = self.closure(needed);
            if self.can_overtake(before, index) {
                each(before).for_each(|needed| self.reach(needed));
            }
        }
        if self.open_needs(index) == 0 {
            self.place(index, Step::Whole(index));
        } else if self.plans.get(index).is_some_and(|plan| plan.splits) {
            self.unfinished |= bit(index);
            self.place(index, Step::First(index));
        } else {
            self.waiting |= bit(index);
        }
    }

    fn place(&mut self, index: usize, step: Step) {
        self.steps.push(step);
        self.placed |= bit(index);
        self.settle();
    }

    /// Whoever waited only for what is there now comes next.
    fn settle(&mut self) {
        let ready = |set: Set| each(set).find(|index| self.open_needs(*index) == 0);
        if let Some(index) = ready(self.unfinished) {
            self.unfinished &= !bit(index);
            self.steps.push(Step::Rest(index));
            self.settle();
        } else if let Some(index) = ready(self.waiting) {
            self.waiting &= !bit(index);
            self.place(index, Step::Whole(index));
        }
    }

    /// What of the operations that `index` refers to is not made yet.
    fn open_needs(&self, index: usize) -> Set {
        self.plans.get(index).map_or(0, |plan| plan.needs) & !self.placed
    }

    /// An operation and all it refers to, directly or not, that is not made yet.
    fn closure(&self, of: usize) -> Set {
        let (mut closure, mut new) = (bit(of), bit(of));
        while new != 0 {
            let needs = each(new).map(|index| self.open_needs(index));
            new = needs.fold(0, |all, needs| all | needs) & !closure;
            closure |= new;
        }
        closure
    }

    /// Whether operations can come before `index`: none refers back to it, nor has anything to do
    /// with what it overtakes.
    fn can_overtake(&self, movers: Set, index: usize) -> bool {
        let standing = !(movers | self.placed | self.waiting | bit(index));
        let harmless = |mover: usize| {
            let between = below(mover) & !below(index);
            let rivals = self.plans.get(mover).map_or(0, |plan| plan.rivals);
            rivals & between & standing == 0
        };
        movers & bit(index) == 0 && each(movers).all(harmless)
    }

    /// What waits to the end waits for itself, or for what does.
    fn end(mut self) -> Vec<Step> {
        self.steps.extend(each(self.waiting).map(Step::Stuck));
        self.steps
    }
}

fn bit(index: usize) -> Set {
    1 << index
}

/// All operations before this one.
fn below(index: usize) -> Set {
    bit(index) - 1
}

fn each(mut set: Set) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let index = set.trailing_zeros();
        set &= set.checked_sub(1)?;
        Some(index as usize)
    })
}

//! Why an order, or what was said of it, needs a person: the causes of todos that the fold makes, with what
//! `orderhub explain` prints. A cause without its page cannot be given to a todo.
//!
//! **Invariant:** every cause of this crate stands in [`CAUSES`]. Test: `every_cause_of_a_todo_is_explained`.

use orderhub_lang::codes::Cause;

/// More wishes wait in one lane than it holds.
pub const LANE_FULL: &Cause = &Cause {
    word: "lane_full",
    title: "more wishes wait for one system than are kept of an order",
    text: "Of one order at most 64 wishes wait for a system, and one more was left out: the system will not be told of \
           it. Most often it was down, or its calls dead, for very long. Where the sentence names an entry of `deliver:` that is \
           gone, bring it back, or say `do: none` (at most 16 wishes wait for such, and in a full lane they give way to \
           others). `orderhub why ORDER SYSTEM` says what stands in the way; end that first. How the order stands then goes with \
           the next change that the same rule listens to; facts, each of which happened once, go by `orderhub order resend \
           ORDER SYSTEM --reason \"mended\"`, the last 64 of them. Then `orderhub todo discard ID --reason \"sent again\"`.",
};
/// A linked system does not hear of a cancellation.
pub const NOT_ROUTED: &Cause = &Cause {
    word: "not_routed",
    title: "a system that has the order, or a part of it, is not told of its cancellation",
    text: "The order is cancelled, or a fulfilment that the warehouse was sent, and the integration has no entry of \
           `deliver:` for `order.cancelled`, or for `fulfilment.cancelled`: it goes on with it. Cancel it there by hand, before \
           what replaces it is shipped as well. So that it is told of the next one, add `- { on: order.cancelled, do: … }` or, to a \
           warehouse, `- { on: fulfilment.cancelled, do: … }`, which tells it of each part that it has and spares the other; or \
           `do: none` where nothing is to be done. Then `orderhub todo discard ID --reason \"cancelled by hand\"`.",
};
/// What is asked for has no room in the lane.
pub const NO_ROOM: &Cause = &Cause {
    word: "no_room",
    title: "too much of the order waits for the system already",
    text: "Of one order at most 64 wishes wait for a system (16 for entries of `deliver:` that are gone), and what is to be sent \
           again does not all fit beside those that wait: nothing was changed. `orderhub why ORDER SYSTEM` says what stands in the way of those; once some have gone, \
           ask again.",
};
/// Made there, and cannot be changed.
pub const NO_UPDATE: &Cause = &Cause {
    word: "no_update",
    title: "made there already, and no operation changes it",
    text: "The order has changed since the system was sent it, and its deliver rule makes things only. The system keeps \
           what it has. Change it there by hand, or add an operation: `do: { create: …, update: … }`; `update: none` says that \
           changes are of no interest. Then `orderhub todo discard ID --reason \"changed by hand\"`.",
};
/// No such system in the settings.
pub const UNKNOWN_SYSTEM: &Cause = &Cause {
    word: "unknown_system",
    title: "a message of a system that the settings do not have",
    text: "There is no `[systems.<name>]` of that name, so that nobody knows how to read the message; it is stored and \
           changes no order. Where the name is right, add the system to the settings and start the hub again; then \
           `orderhub todo replay ID`. Where a queue names its systems wrongly, mend `[bus.consume.<name>]`. What is not \
           wanted: `orderhub todo discard ID --reason \"not ours\"`.",
};
/// A revision that is still to come.
pub const FUTURE_REVISION: &Cause = &Cause {
    word: "future_revision",
    title: "a document from the future",
    text: "The system dated a document later than now. It was applied; but whatever the system says under an earlier time \
           counts as older until then, and changes nothing. Set the clock of the system right, or the zone of `revision:` in its \
           mapping. A person's edit is not held back by it. Then `orderhub todo discard ID --reason \"clock set\"`.",
};
/// A first link finds other values.
pub const FIRST_LINK_DIFFERS: &Cause = &Cause {
    word: "first_link_differs",
    title: "a system that knew the order already knows it otherwise",
    text: "The system has the order without having got it from here, and some of its values differ; the sentence names the \
           fields. Nothing was overwritten on either side: the order keeps its own. `orderhub order show ORDER` has them; \
           correct the wrong side, in the system or by an edit, then `orderhub todo discard ID --reason \"compared\"`.",
};
/// Changed on both sides; the speaker's does not stand.
pub const LOST: &Cause = &Cause {
    word: "lost",
    title: "changed on both sides, and this system's value does not stand",
    text: "Between two messages the field was changed here and in the system, and the other side owns it. The order has the \
           owner's value, and the system is sent it, over what it says. It ends by itself as soon as both say the same. What the \
           system said is kept: `orderhub order log ORDER` has a line for it below the versions, with the number of the one in \
           which it was heard, and `orderhub order blame ORDER FIELD`, which says who set what; personal values to those who may \
           see them. Where the system was right, edit the order, else `orderhub todo discard ID --reason \"the owner is right\"`.",
};
/// Changed on both sides; the former value was overruled.
pub const OVERRULED: &Cause = &Cause {
    word: "overruled",
    title: "changed on both sides, and another system's value was replaced",
    text: "Between two messages the field was changed by two systems, and the one that owns it won. The sentence says whose \
           value stands; the other system is sent it. It ends by itself as soon as both say the same. Where the loser was \
           right, edit the order; else `orderhub todo discard ID --reason \"the owner is right\"`.",
};
/// Changed on both sides; a person decides.
pub const MANUAL: &Cause = &Cause {
    word: "manual",
    title: "changed on both sides, and nobody but a person may decide",
    text: "The order keeps the value that it had. `orderhub order blame ORDER` says who set it and when, the sentence says \
           who says otherwise, or which version a person's edit was made on. Edit the field to the value that is right: that \
           ends it. To leave it as it is: `orderhub todo discard ID --reason \"kept\"`.",
};
/// Two sides change it in turn.
pub const FLIP_FLOP: &Cause = &Cause {
    word: "flip_flop",
    title: "two systems change one field back and forth",
    text: "Three times within 36 hours the field was led back to what it was before the other system changed it, or the system \
           said again what it had been corrected for: two jobs, plug-ins or people undo each other's work. The field is frozen: \
           what the two say of it is kept and moves nothing, and neither is corrected; all else goes on. `orderhub order log ORDER` \
           and `orderhub order blame ORDER FIELD` say who set what and when. Find what writes it in one of them and switch that \
           off, or give the field to one owner in `ownership.yaml`. Then edit the field to the value that is right, or to the one \
           that it has (`PATCH /api/v1/orders/ORDER`): that ends it, and both are sent it. It also ends by itself once both say the same. Discarding this todo alone \
           leaves the field frozen.",
};
/// Another value is proposed.
pub const PROPOSAL: &Cause = &Cause {
    word: "proposal",
    title: "a system proposes a value that it may not set",
    text: "`ownership.yaml` gives the field to somebody else in this state of the order, and says `others: propose`. The \
           order keeps its value. Edit the field to take the proposal, or `orderhub todo discard ID --reason \"kept\"`.",
};
/// A fact that is told otherwise.
pub const FACT_CHANGED: &Cause = &Cause {
    word: "fact_changed",
    title: "a fact that is told otherwise than before",
    text: "Payments, invoices and other facts are stated once and never changed; the system states one under the same id \
           with another content. The first one stands. Most often the id is not the fact's own (an invoice's, where each of its \
           payments needs one): mend `key:` of the mapping. A fact that was wrong is corrected by another one. Then \
           `orderhub todo discard ID --reason \"checked\"`.",
};
/// A line that the order does not have.
pub const UNKNOWN_LINE: &Cause = &Cause {
    word: "unknown_line",
    title: "a document names a line that is not one line of the order",
    text: "No line of the order is called so by this system, or several have the article that the document names. The \
           document is stored and not applied. Let the mapping name the line by its id, or by the one that was sent (`line.id`); \
           an article (`line.sku`) tells lines apart only where each stands once. Then `orderhub todo replay ID`.",
};
/// An element that nobody may add.
pub const UNKNOWN_ELEMENT: &Cause = &Cause {
    word: "unknown_element",
    title: "a document names something that the order does not have, and may not add it",
    text: "A line, shipment or the like is not known by that id, and the role of the system does not add such. The document \
           is stored and not applied. Most often its `key:` is not the id that was bound when it was made there: compare \
           `orderhub order show ORDER` with `orderhub todo show ID`, mend the mapping, then `orderhub todo replay ID`.",
};
/// A fulfilment that is not the order's.
pub const UNKNOWN_FULFILMENT: &Cause = &Cause {
    word: "unknown_fulfilment",
    title: "a document names a fulfilment that the order does not have",
    text: "The document says which release to the warehouse it is about, and none is called so, or several are open and it \
           names none. It is stored and not applied. Let the mapping name it by the warehouse's id or by our reference; then \
           `orderhub todo replay ID`.",
};
/// A wish that the files make no call of.
pub const NOT_GIVEN: &Cause = &Cause {
    word: "not_given",
    title: "the files make no call of what is to be sent",
    text: "A part of the document that the call cannot do without is missing: the sentence names the step and the part \
           (`doc.lines`). Nothing was sent, and nothing else of the order is held up by it. Where the order lacks the value, \
           edit it; where a rule is missing, mend the mapping: it is sent by itself once that is done. If it is not to be sent: \
           `orderhub todo resolve ID --done --reason \"not wanted\"`.",
};
/// Two ids of one thing.
pub const TWO_THERE: &Cause = &Cause {
    word: "two_there",
    title: "a system has one thing of the order twice",
    text: "It called the same order, fulfilment or shipment by two ids: most often it was made twice, by hand besides, or \
           after an answer that was lost. The first id is kept, and messages about the second do not find the order. Look into \
           the system, cancel one of them, best the second; then `orderhub todo discard ID --reason \"the second is \
           cancelled\"`.",
};
/// An id that is another thing's.
pub const REFERENCE_TAKEN: &Cause = &Cause {
    word: "reference_taken",
    title: "an id that names another thing already",
    text: "The system gave an id that is bound to something else: an id that it uses twice, or one of a parent taken for \
           that of a part. The sentence has the id and what it names, with the command that shows the other order. What came of a \
           call holds its lane: look into the system, then `orderhub todo resolve ID --done \
           --reason \"looked\"`, or `--again` where it is not there. What came of a document is stored and not applied: mend `key:` \
           or the reference in its mapping, then `orderhub todo replay ID`.",
};
/// Nobody knows whether it took effect.
pub const MAY_HAVE_ACTED: &Cause = &Cause {
    word: "may_have_acted",
    title: "nobody knows whether a call took effect",
    text: "The call was sent and its answer was lost, could not be read, or says yes to a part only; sending it again might \
           do it twice, and the operation has no step that looks. The order's lane to this system waits. Look into the system. \
           It is there: `orderhub todo resolve ID --done --reason \"it is there\"`. It is not, or a part is still to be sent: \
           `orderhub todo resolve ID --again --reason \"it is not there\"`. An `idempotency: { find_first: … }` of its step spares \
           you the next one.",
};
/// The system said no.
pub const REFUSED: &Cause = &Cause {
    word: "refused",
    title: "the system refused a call",
    text: "It understood the call and said no; the sentence has its words. It would say so again, so that it is not asked \
           again by itself. Mend what it names: the order, the mapping, or master data there. A refused create holds its lane: \
           then `orderhub todo resolve ID --again --reason \"mended\"` makes it, of the order as it is then and by the files of \
           then, under a key of its own; `--done` if it is not wanted any more. After any \
           other call the lane goes on without it: `orderhub order resend ORDER SYSTEM --reason \"mended\"` sends it (of facts the \
           last 64 that were given up), as the next change that its rule listens to would, and nothing that the system has; then \
           `orderhub todo discard ID --reason \"sent again\"`, which alone sends nothing. Where the sentence says that it may be there, by an earlier \
           attempt, look, and decide by `todo resolve` first. An event that the hub publishes is told once and not again: whoever \
           listens reads the order.",
};
/// Tried as often as it may be.
pub const GIVEN_UP: &Cause = &Cause {
    word: "given_up",
    title: "a call that did not succeed, or could not be made",
    text: "Either it cannot be built (the sentence names the step and what is wrong with it: mend the files), or it was \
           tried as often and as long as it may be. A create holds its lane until you decide: `orderhub todo resolve ID --again \
           --reason \"mended\"` (of the order as it is then, unless it may be there), or `--done` if it is not wanted any more. After any other call the lane goes on without \
           it: `orderhub order resend ORDER SYSTEM --reason \"mended\"` sends it (of facts the last 64 that were given up), then \
           `orderhub todo discard ID --reason \"sent again\"`, which alone sends nothing. Where the sentence says that it may \
           be there, look, and decide by `todo resolve` first. An event that the hub publishes is told once and not again: \
           whoever listens reads the order.",
};
/// Not kept waiting for a system that is down.
pub const SYSTEM_DOWN: &Cause = &Cause {
    word: "system_down",
    title: "not sent, because the system was down and its rule does not wait",
    text: "The breaker of the operation was open, and the entry of `deliver:` says `while_down: fail`: nothing of the call was \
           sent, and it does not go by itself. The sentence says what and since when; `orderhub system show SYSTEM` whether the \
           system is back. A create holds its lane until you decide: `orderhub todo resolve ID --again --reason \"it is back\"` \
           makes it, `--done` if it is not wanted any more. After anything else the lane goes on without it: the same `--again` \
           sends it and ends this, as the next change that its rule sends does for a state; `--done` where the system has it, or \
           it is not wanted. `orderhub order resend ORDER SYSTEM --reason \"it is back\"` sends all that the system lacks of the \
           order, and nothing that it has. A todo that is discarded is not sent by that: `orderhub why ORDER SYSTEM` goes on saying \
           what was not. What shall wait for the system instead says `while_down: queue`.",
};
/// What was to be made is cancelled.
pub const CANCELLED: &Cause = &Cause {
    word: "cancelled",
    title: "cancelled before it was made there",
    text: "The order, or the fulfilment, for which a create was refused or given up is cancelled by now: nothing of it is in the \
           system, and nothing is made there any more. Most such todos end by themselves (\"cancelled before it was made\"); \
           one that an earlier program left ends with `orderhub todo resolve ID --done --reason \"cancelled\"`, which sends nothing. \
           Where the system is to have it after all, let the shop order it anew: what is cancelled is not released again.",
};
/// It left, and should not have.
pub const LEFT: &Cause = &Cause {
    word: "left",
    title: "left although it was cancelled",
    text: "A parcel, or a whole fulfilment, has left a warehouse after the order, or that fulfilment, was cancelled: the warehouse \
           did not hear of it, was too far by then, or does not look. The customer gets what he does not want, and most often \
           has his money back already. Stop the parcel at the carrier while it can be, or agree with the customer on a return; \
           `orderhub why ORDER` says whether the warehouse was told, `orderhub order log ORDER` when it was cancelled. Where it \
           was not told, add `- { on: fulfilment.cancelled, do: … }` to its `deliver:`. Then `orderhub todo discard ID --reason \
           \"stopped\"`.",
};
/// Taken as done, and nobody knows its id.
pub const ID_UNKNOWN: &Cause = &Cause {
    word: "id_unknown",
    title: "taken as done, and what the system calls it is not known",
    text: "A person said that a call is done, so nothing makes it again; but later calls need its id there, and wait. It is \
           bound by the first document of the system that names our reference: let the system send one, or hand it in \
           (`POST /api/v1/intake/SYSTEM/DOCUMENT`). With that it ends by itself. Where the call was not wanted, and nothing is \
           there: `orderhub todo discard ID --reason \"not wanted\"`.",
};
/// The flow never rests.
pub const FLOW_ENDLESS: &Cause = &Cause {
    word: "flow_endless",
    title: "the flow fires without end",
    text: "Releases of `flow.yaml` make each other true over and over; after some rounds the order was left as it was then. \
           Compare the `when:` of the releases that `orderhub why ORDER` lists: one of them undoes what another waits for. The \
           next change of the order runs the mended flow; then `orderhub todo discard ID --reason \"flow mended\"`.",
};
/// The hold is gone.
pub const UNKNOWN_HOLD: &Cause = &Cause {
    word: "unknown_hold",
    title: "no such hold stands on the order",
    text: "It was released, or ended with its cause, before you did. `orderhub why ORDER` lists those that stand.",
};
/// The order has no such field.
pub const UNKNOWN_FIELD: &Cause = &Cause {
    word: "unknown_field",
    title: "the order has no such field at that place",
    text: "The field is no field of that element, or the element is gone. `orderhub order show ORDER` has what is there, \
           `orderhub explain lines` the fields of a line.",
};
/// Not for people to write.
pub const NOT_OWNER: &Cause = &Cause {
    word: "not_owner",
    title: "a field that people do not write in this state of the order",
    text: "The hub computes it, or a system owns it by `ownership.yaml` and the catalogue: `orderhub explain totals.total` \
           says of each field who does. Change it in that system.",
};
/// Changed since it was looked at.
pub const MOVED: &Cause = &Cause {
    word: "moved",
    title: "the order was changed since it was looked at",
    text: "What was to be led back is not what you saw. Look again: `orderhub order restore ORDER 7 --preview`.",
};
/// No call waits for a decision.
pub const NOTHING_TO_SETTLE: &Cause = &Cause {
    word: "nothing_to_settle",
    title: "no call waits for that decision",
    text: "The call was settled meanwhile: by its answer, by a document that shows it to be there, or by somebody else. \
           `orderhub why ORDER SYSTEM` says how it stands; then `orderhub todo discard ID --reason \"settled\"`.",
};

/// A call of the lane waits for a person.
pub const UNDECIDED: &Cause = &Cause {
    word: "undecided",
    title: "a call to the system waits for a person's decision",
    text: "Nobody knows whether an earlier call took effect, or it was given up: sent again beside it, the order might be \
           there twice. `orderhub todo list --system NAME` has its todo; `orderhub todo resolve ID --done --reason \"it is \
           there\"` or `--again` decides it. Then send again.",
};
/// The system has it all.
pub const NOTHING_MISSING: &Cause = &Cause {
    word: "nothing_missing",
    title: "the system was sent all of the order that is for it",
    text: "Nothing was given up, nothing is unsent, and nothing has changed since. So nothing goes, and nothing goes twice. Where \
           the system has lost it: `orderhub order resend ORDER SYSTEM --all --reason \"lost there\"` sends every state once more, \
           whole; a fact that was told is told once, tell it by hand. `--preview` lists each call before.",
};
/// Nothing of the order is for the system yet.
pub const NOT_RELEASED: &Cause = &Cause {
    word: "not_released",
    title: "nothing of this order is for the system so far",
    text: "No release of the flow named it, or no event that its integration listens to has happened. `orderhub why ORDER \
           SYSTEM` says which.",
};
/// The integration sends nothing.
pub const SENT_NOTHING: &Cause = &Cause {
    word: "sent_nothing",
    title: "the system is sent nothing at all",
    text: "Its integration has no entry of `deliver:` that sends. Where it should have, add one, `- { on: …, do: … }`: what has \
           happened while it was missing goes by itself.",
};
/// Held, or not let go.
pub const HELD: &Cause = &Cause {
    word: "held",
    title: "the order is held, or its flow does not let it go to the system now",
    text: "A hold stands on it, or a `when:` of the flow or of the deliver rules is not met. `orderhub why ORDER SYSTEM` says \
           what it lacks; a hold ends with `orderhub order release ORDER HOLD --reason \"checked\"`.",
};
/// A reference is missing.
pub const NOT_LINKED: &Cause = &Cause {
    word: "not_linked",
    title: "what the system calls it is not known yet",
    text: "The call needs the system's own id of something, and no answer and no document has given it so far. `orderhub \
           why ORDER SYSTEM` says of what; it goes by itself once that is known.",
};
/// The order's life has ended.
pub const DROPPED: &Cause = &Cause {
    word: "dropped",
    title: "the order's life has ended, and the system is told nothing of it any more",
    text: "It was cancelled or purged before the system was sent it. `orderhub order log ORDER` says when, and by whom.",
};
/// Nothing can be sent at this moment.
pub const NOTHING_SENDABLE: &Cause = &Cause {
    word: "nothing_sendable",
    title: "nothing of the order can be sent to the system now",
    text: "The system is paused, its breaker is open, its credential is refused, or its integration has no entry of \
           `deliver:` for it any more. `orderhub why ORDER SYSTEM` says which.",
};

/// Every cause of this crate, by name.
pub const CAUSES: &[&Cause] = &[
    CANCELLED,
    DROPPED,
    FACT_CHANGED,
    FIRST_LINK_DIFFERS,
    FLIP_FLOP,
    FLOW_ENDLESS,
    FUTURE_REVISION,
    GIVEN_UP,
    HELD,
    ID_UNKNOWN,
    LANE_FULL,
    LEFT,
    LOST,
    MANUAL,
    MAY_HAVE_ACTED,
    MOVED,
    NOTHING_MISSING,
    NOTHING_SENDABLE,
    NOTHING_TO_SETTLE,
    NOT_GIVEN,
    NOT_LINKED,
    NOT_OWNER,
    NOT_RELEASED,
    NOT_ROUTED,
    NO_ROOM,
    NO_UPDATE,
    OVERRULED,
    PROPOSAL,
    REFERENCE_TAKEN,
    REFUSED,
    SENT_NOTHING,
    SYSTEM_DOWN,
    TWO_THERE,
    UNDECIDED,
    UNKNOWN_ELEMENT,
    UNKNOWN_FIELD,
    UNKNOWN_FULFILMENT,
    UNKNOWN_HOLD,
    UNKNOWN_LINE,
    UNKNOWN_SYSTEM,
];

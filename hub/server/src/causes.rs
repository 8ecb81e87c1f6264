//! Why a message needs a person, besides what its mapping and its order say: the causes that intake and store give, with
//! what `orderhub explain` prints; and every cause of this program by its word.
//!
//! **Invariant:** every cause that a todo can have has its page, and every command on a page can be typed. Tests:
//! `every_cause_of_a_todo_is_explained`, `every_command_that_people_are_told_to_type_is_one`.

pub use orderhub_lang::codes::Cause;

/// The program's own mistake.
pub const FAULT: &Cause = &Cause {
    word: "fault",
    title: "a mistake of the hub itself",
    text: "Something that cannot be happened while the message was read or its order was changed; it is stored, nothing of \
           it was applied, and nothing else is held up. The log has more, at ERROR. Please report it with the sentence of \
           `orderhub todo show ID`. After an update: `orderhub todo replay ID`; where it is about a call that may have gone \
           out, look into the system, then `orderhub todo resolve ID --done --reason \"looked\"`, or `--again`.",
};
/// One id, two contents.
pub const REUSED_ID: &Cause = &Cause {
    word: "reused_id",
    title: "two messages of one id, with another content each",
    text: "Messages are known by their ids, and the second one was not taken for a repetition, nor applied: it is stored. \
           Where the sender counts anew, or the id is not the message's own (an order's, sent at each change), mend \
           `message_id` in the settings or `id:` in `webhooks:`; without one, revision and content decide. Then `orderhub todo \
           replay ID` applies it; `orderhub todo discard ID --reason \"the same\"` leaves it.",
};
/// It names more than one order.
pub const SEVERAL_ORDERS: &Cause = &Cause {
    word: "several_orders",
    title: "a document that names several orders",
    text: "Its key and the references below `parent:` lead to different orders; the sentence names them. Nothing was applied: \
           orders are never joined by guess. Compare `orderhub todo show ID` with the orders; most often `parent:` reads a \
           reference that is not this order's. Mend the mapping, then `orderhub todo replay ID`.",
};
/// A reference leads nowhere.
pub const ORDER_MISSING: &Cause = &Cause {
    word: "order_missing",
    title: "a reference to an order that is not there",
    text: "Something is bound to an order that the store does not have: it was restored from a copy that is older, or \
           rows were taken out by hand. Nothing was applied. Hand the order's own document in again, then `orderhub todo replay \
           ID` what was about it.",
};
/// Not while an earlier program runs beside.
pub const OLDER_PROGRAM: &Cause = &Cause {
    word: "older_program",
    title: "a hub of an earlier version still runs on the store",
    text: "During an upgrade of several hubs, those of the earlier version write what waits for a system back without what they do \
           not know: what is sent again, or decided about a fact that was given up, might be left out. Nothing was changed; \
           the sentence names them. Stop the last of them, then ask again: `orderhub order resend ORDER SYSTEM --reason \
           \"once more\"`, or `orderhub todo resolve ID --again --reason \"it is not there\"`. `orderhub doctor -c \
           orderhub.toml` says who is left; `docs/upgrade.md` has the whole way.",
};
/// Driven again and again in vain.
pub const DRIVE_FAILED: &Cause = &Cause {
    word: "drive_failed",
    title: "a message that was tried several times and came to no end",
    text: "Each time the hub stopped, or its store failed, while it applied this message; so that it cannot stop the others, it \
           is set aside. Look at what the log says at those times. Then `orderhub todo replay ID`.",
};
/// Waited for too long.
pub const WAITS_LONG: &Cause = &Cause {
    word: "waits_long",
    title: "a message that has waited for seven days",
    text: "It is about an order, or looks up something, that never came; it goes on waiting, and is applied by itself once \
           that is there. `orderhub todo show ID` has the message: see what it names, and hand that in, or mend `parent:` or \
           the lookup of its mapping; then `orderhub todo replay ID`. If it will never come: `orderhub todo discard ID --reason \
           \"not ours\"`; then it waits no more, and what waits behind it goes on.",
};
/// Hinted at, and not there.
pub const NOT_THERE: &Cause = &Cause {
    word: "not_there",
    title: "a document that was hinted at is not there",
    text: "The system told of it, and when it was asked it had nothing of that id: deleted meanwhile, or `args:` of the \
           intake takes another value for the id. The order keeps what it knew. `orderhub todo replay ID` asks again; \
           `orderhub todo discard ID --reason \"deleted there\"` leaves it.",
};
/// The system would not give it.
pub const SAID_NO: &Cause = &Cause {
    word: "said_no",
    title: "the system refused to give a document",
    text: "It was asked for what it hinted at, and said no; the sentence has its words. The order does not know what is in \
           it. Often it is a right that the credential lacks, or an id in another form. Mend that, then `orderhub todo replay \
           ID`, which asks again.",
};
/// It cannot be asked for.
pub const NOT_FETCHED: &Cause = &Cause {
    word: "not_fetched",
    title: "a document could not be asked for",
    text: "No intake of the integration fetches such documents any more, or the call cannot be built; the sentence says \
           which. The order does not know what is in it. Mend the files, then `orderhub todo replay ID`, which asks again.",
};
/// A webhook that nobody can read.
pub const UNREADABLE_WEBHOOK: &Cause = &Cause {
    word: "unreadable_webhook",
    title: "a webhook, or a part of one, that cannot be read",
    text: "It is authentic, and `webhooks:` of the connector finds no kind, document or list in it, or its body is not of \
           `format:`; the sentence names the places (`value[1]`). What stands beside them was applied. Look at `orderhub todo \
           show ID`, mend the connector: once the files are in use it is read again by itself, and what was taken is not taken \
           twice. What nobody wants: `orderhub todo discard ID --reason \"not ours\"`.",
};
/// A hint without its id.
pub const UNREADABLE_HINT: &Cause = &Cause {
    word: "unreadable_hint",
    title: "a hint that does not say what it is about",
    text: "The intake takes hints (`apply: reread`), and at the place that `args:` names nothing stands, so that nobody \
           knows what to ask for. What a poll listed beside it goes on. Look at `orderhub todo show ID`, mend `args:`, then \
           `orderhub todo replay ID`; what is not for the hub: `orderhub todo discard ID --reason \"not ours\"`.",
};
/// No intake takes it.
pub const UNKNOWN_DOCUMENT: &Cause = &Cause {
    word: "unknown_document",
    title: "a kind of document that no intake takes",
    text: "The message says, or its source says of it, a kind that no entry of `intake:` names; the sentence has those that \
           there are. It is stored and changes nothing. Add it (`- { message: …, document: … }`, or to `notice:`), or mend where \
           the kind is read; then `orderhub todo replay ID`.",
};
/// Not UTF-8.
pub const NOT_UTF8: &Cause = &Cause {
    word: "not_utf8",
    title: "a body in other letters than its format has",
    text: "Nothing says in which encoding the body is, and it is not UTF-8. Where the system writes another one, say so: \
           `format: { csv: { encoding: windows-1252 } }`. Then `orderhub todo replay ID`.",
};
/// A NUL in a text.
pub const NUL_CHARACTER: &Cause = &Cause {
    word: "nul_character",
    title: "a text that holds the character NUL",
    text: "No store keeps it, and no text means it: most often a field of fixed length was filled up with it. The document \
           is stored and not applied. Let the system leave it out, or the rule take it out; then `orderhub todo replay ID`.",
};
/// An id that no index holds.
pub const TOO_LONG: &Cause = &Cause {
    word: "too_long",
    title: "an id that is too long to find anything by",
    text: "Ids are at most some hundred bytes, which no id exceeds that is one: most often `key:` or a reference reads a \
           text, or a whole object. Look at `orderhub todo show ID`, mend the path, then `orderhub todo replay ID`.",
};
/// A reference that is bound elsewhere.
pub const REFERENCE_BOUND: &Cause = &Cause {
    word: "reference_bound",
    title: "one id of a system for two things",
    text: "A system's id is bound to one thing, and was now named for another, in the same order or in two. The first \
           binding stands. Either the system uses the id twice, or a mapping names a parent's id for a part's: compare \
           both orders, mend the mapping or the system, then `orderhub todo discard ID --reason \"mended\"`.",
};
/// A webhook that is not authentic.
pub const BAD_SIGNATURE: &Cause = &Cause {
    word: "bad_signature",
    title: "a webhook whose sender did not prove himself",
    text: "What the webhook gives (`verify: { got: … }`) is not what its secret makes of it: nothing was stored, and the \
           sender was told 401. Compare the secret of `[systems.<name>.secrets]` with that of the sender, and whether something \
           between them changes the body. While a secret rotates, list both values. `orderhub system show SYSTEM` says how it \
           stands; senders send again what was refused.",
};

/// Every cause of this crate, by name.
pub const CAUSES: &[&Cause] = &[
    BAD_SIGNATURE,
    DRIVE_FAILED,
    FAULT,
    NOT_FETCHED,
    NOT_THERE,
    NOT_UTF8,
    NUL_CHARACTER,
    OLDER_PROGRAM,
    ORDER_MISSING,
    REFERENCE_BOUND,
    REUSED_ID,
    SAID_NO,
    SEVERAL_ORDERS,
    TOO_LONG,
    UNKNOWN_DOCUMENT,
    UNREADABLE_HINT,
    UNREADABLE_WEBHOOK,
    WAITS_LONG,
];

/// Every cause of this program.
pub fn all() -> impl Iterator<Item = &'static Cause> {
    let shared = orderhub_order::causes::CAUSES.iter().chain(CAUSES).copied();
    orderhub_mapping::causes::CAUSES.iter().chain(shared)
}

/// The cause of that name.
pub fn find(word: &str) -> Option<&'static Cause> {
    all().find(|cause| cause.word == word)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::{commands_in, is_command};

    #[test]
    fn a_cause_has_one_page_of_sentences() {
        let mut words: Vec<&str> = all().map(|cause| cause.word).collect();
        words.sort_unstable();
        let known = words.len();
        words.dedup();
        assert_eq!(words.len(), known, "{words:?}");
        for cause in all() {
            assert!(cause.text.ends_with('.') && !cause.title.ends_with('.'), "{}", cause.word);
        }
    }

    #[test]
    fn every_command_that_people_are_told_to_type_is_one() {
        let mut found = 0;
        for cause in all() {
            for command in commands_in(cause.text) {
                found += 1;
                assert!(is_command(&command), "{}: {command}", cause.word);
            }
        }
        assert!(found > 40, "{found}");
    }

    /// Every source below a folder.
    fn sources(folder: &std::path::Path, found: &mut Vec<String>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                sources(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(std::fs::read_to_string(&path).unwrap());
            }
        }
    }

    /// Hints, advice and words of refusals stand all over the sources: a value stands for what is put into them.
    #[test]
    fn every_command_in_a_message_is_one() {
        let mut all = Vec::new();
        let top = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        for folder in ["connectors", "hub/lang", "hub/order", "hub/mapping", "hub/server"] {
            sources(&top.join(folder).join("src"), &mut all);
        }
        let mut found = std::collections::BTreeSet::new();
        for text in &all {
            let lines: Vec<&str> = text.split("\\\n").collect();
            let joined = lines.iter().enumerate().map(|(at, line)| match at {
                0 => *line,
                _ => line.trim_start(),
            });
            let text = joined.collect::<String>().replace("\\\"", "\"");
            let begun = text.split("`orderhub ").skip(1);
            let whole = begun.filter_map(|rest| rest.split_once('`').map(|(words, _)| words));
            found.extend(whole.filter(|words| !words.contains('\n')).map(str::to_owned));
        }
        assert!(found.len() > 60, "{found:?}");
        let wrong: Vec<&String> = found
            .iter()
            .filter(|words| {
                let command = words.split(" < ").next().unwrap_or_default();
                // A name of a command, or the beginning of one, is not to be typed as it stands.
                let name = command
                    .split(' ')
                    .all(|word| word == "…" || word.bytes().all(|b| b.is_ascii_lowercase()));
                let placed = command.split('{').enumerate().map(|(at, part)| match at {
                    0 => part.to_owned(),
                    _ => {
                        part.split_once('}').map_or("7".to_owned(), |(_, rest)| format!("7{rest}"))
                    }
                });
                !name && !is_command(&format!("orderhub {}", placed.collect::<String>()))
            })
            .collect();
        assert!(wrong.is_empty(), "{wrong:?}");
    }
}

//! What no document may hold, whatever store it goes to: texts that some store cannot keep, and ids that some index
//! cannot hold. Judged once, before any store sees the document, so that all of them judge alike.
//!
//! **Invariant:** what one store takes, every store takes, with the same outcome. Test:
//! `texts_that_a_store_cannot_hold_are_todos_in_every_store`.

use orderhub_mapping::MapError;
use orderhub_order::catalogue::{catalogue, known};
use orderhub_order::contribution::{Contribution, ElementStatement, ParentReference};
use orderhub_order::value::{Address, Reference, Value};

use super::FetchKey;
use crate::causes;

/// Longest id, in bytes: an index holds it, beside the names of its system and kind.
const LONGEST_ID: usize = FetchKey::LONGEST;
/// So much of an id is shown.
const SHOWN: usize = 40;

/// Why a document cannot be taken, if so.
pub(crate) fn misfit(said: &Contribution) -> Option<MapError> {
    let wrong = id("the key of the document", &said.key)
        .or_else(|| said.parents.iter().find_map(parent))
        .or_else(|| element(&said.body))?;
    // What its key is can be said only if that is not what is wrong.
    let key = id("", &said.key).is_none().then(|| said.key.to_string());
    let Misfit { cause, path, why } = wrong;
    Some(MapError {
        cause,
        rule: None,
        place: None,
        path,
        why,
        key,
        digest: None,
        lacks: Default::default(),
    })
}

struct Misfit {
    cause: &'static str,
    path: String,
    why: String,
}

fn parent(parent: &ParentReference) -> Option<Misfit> {
    let at = "a reference under `parent`";
    match parent {
        ParentReference::Xref { kind, ext_id } => id(at, kind).or_else(|| id(at, ext_id)),
        ParentReference::Ref(text) => id(at, text),
    }
}

fn element(said: &ElementStatement) -> Option<Misfit> {
    let keys = said.key.iter().chain(&said.ours).find_map(|key| id("the key of an element", key));
    let xrefs = || said.xrefs.iter().flat_map(|(kind, ext_id)| [kind, ext_id]);
    let fields = || said.fields.iter().filter_map(|(of, value)| Some((*of, value.as_ref()?)));
    let elements = || said.collections.iter().flat_map(|collection| &collection.elements);
    keys.or_else(|| xrefs().find_map(|text| id("a cross reference", text)))
        .or_else(|| fields().find_map(|(of, value)| field(of, value)))
        .or_else(|| elements().find_map(element))
}

fn field(of: orderhub_order::catalogue::FieldId, value: &Value) -> Option<Misfit> {
    // By these an order is found, or an element of it.
    let is_id = of == known::order::ORDER_NO || matches!(value, Value::Ref(_));
    let wrong = |text: &&str| text.contains('\0') || is_id && text.len() > LONGEST_ID;
    let text = texts(value).find(wrong)?;
    let of = catalogue().field(of);
    let path = of.map_or_else(|| "a field".to_owned(), |field| field.full_path());
    let personal = of.is_none_or(|field| catalogue().personal().contains(field.id));
    Some(misfit_of(&path, text, personal))
}

/// The texts of a value. What is no text holds none.
fn texts(value: &Value) -> Box<dyn Iterator<Item = &str> + '_> {
    match value {
        Value::Text(text)
        | Value::Ref(Reference::Theirs(text) | Reference::Ours(text) | Reference::Sku(text)) => {
            Box::new(std::iter::once(text.as_str()))
        }
        Value::List(texts) => Box::new(texts.iter().map(|text| text.as_str())),
        Value::Map(map) => Box::new(
            map.iter()
                .flat_map(|(name, text)| std::iter::once(name).chain(text))
                .map(|t| t.as_str()),
        ),
        Value::Address(address) => Box::new(parts(address)),
        Value::Integer(_)
        | Value::Decimal(_)
        | Value::Money(_)
        | Value::Timestamp(_)
        | Value::Date(_)
        | Value::Boolean(_) => Box::new(std::iter::empty()),
    }
}

fn parts(address: &Address) -> impl Iterator<Item = &str> {
    let Address {
        name,
        company,
        line1,
        line2,
        district,
        city,
        region,
        postal_code,
        country,
        phone,
        email,
    } = address;
    let parts =
        [name, company, line1, line2, district, city, region, postal_code, country, phone, email];
    parts.into_iter().flatten().map(|part| part.as_str())
}

fn id(at: &str, text: &str) -> Option<Misfit> {
    let wrong = text.len() > LONGEST_ID || text.contains('\0');
    // A key may be an address of mail, or a name: it is shown only where it is written like neither.
    wrong.then(|| misfit_of(at, text, false))
}

fn misfit_of(path: &str, text: &str, personal: bool) -> Misfit {
    let shown = shown(text, personal);
    let (cause, why) = match text.find('\0') {
        Some(at) => {
            let why = format!(
                "{path}: a text holds the character NUL, at byte {at} of {shown}; no text may: take it out where it \
                 comes from"
            );
            (causes::NUL_CHARACTER.word, why)
        }
        None => {
            let why = format!(
                "{path}: an id of {} bytes, and at most {LONGEST_ID} are taken: {shown}; map a shorter one",
                text.len()
            );
            (causes::TOO_LONG.word, why)
        }
    };
    Misfit { cause, path: path.to_owned(), why }
}

/// The beginning of a text, or what can be said of it: nothing that may be a name or an address is shown.
fn shown(text: &str, personal: bool) -> String {
    let begins: String = text.chars().take(SHOWN).take_while(|letter| *letter != '\0').collect();
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-./:#".contains(&byte);
    let harmless = begins.bytes().any(|byte| byte.is_ascii_digit()) && begins.bytes().all(plain);
    if personal || !harmless {
        return format!("a text of {} characters", text.chars().count());
    }
    format!("`{begins}…`")
}

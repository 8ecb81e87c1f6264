//! What one document says about one order: for each hub field present in it, a value.
//!
//! Absent, null and value are three different things: a field that is absent from the document is
//! absent from the list; null is `None`.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::catalogue::FieldId;
use crate::ids::{Collection, Entity, SystemName};
use crate::value::Value;

/// A field that is present in the document: `None` is null.
pub type Stated = Option<Value>;

/// A document of one system, mapped in. Pure data: mapping the same bytes twice gives the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contribution {
    /// The account that speaks.
    pub system: SystemName,
    /// The kind of document of its integration.
    pub document: Arc<str>,
    /// What it is about.
    pub entity: Entity,
    /// The external id of that entity at the system.
    pub key: Box<str>,
    /// How else to find the order: references of another entity, or our `ref`.
    pub parents: Vec<ParentReference>,
    /// May create an order (role channel and entity order, unless the mapping says otherwise).
    pub creates: bool,
    /// Orders documents of one (system, entity); `None`: arrival order counts.
    pub revision: Option<Revision>,
    /// The entity's own fields and collections.
    pub body: ElementStatement,
}

/// A way to the order, besides the document's own key.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ParentReference {
    /// A reference of another kind at the same system (`parent: [{ xref: order, … }]`).
    Xref {
        /// Entity name or free kind.
        kind: Box<str>,
        /// External id.
        ext_id: Box<str>,
    },
    /// The hub's own `ref` of an order, fulfilment or shipment.
    Ref(Box<str>),
}

impl ParentReference {
    /// What it names, there or here.
    pub fn id(&self) -> &str {
        match self {
            Self::Xref { ext_id, .. } => ext_id,
            Self::Ref(reference) => reference,
        }
    }
}

/// What orders the documents of one (system, entity). `check` refuses mixed types.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Revision {
    /// A version counter.
    Integer(i64),
    /// A time of last change.
    Timestamp(jiff::Timestamp),
}

/// What a document says of one element (or of the order itself).
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ElementStatement {
    /// The system's id of the element; at the root: none (it is [`Contribution::key`]).
    pub key: Option<Box<str>>,
    /// Our id as we sent it (`ours:`).
    pub ours: Option<Box<str>>,
    /// May this statement add an element, if the role may.
    pub adds: bool,
    /// Fields present in the document, each once, sorted by id.
    pub fields: Vec<(FieldId, Stated)>,
    /// References stated of this element (`$xref(kind)`), sorted.
    pub xrefs: Vec<(Box<str>, Box<str>)>,
    /// Collections present in the document.
    pub collections: Vec<CollectionStatement>,
}

/// What a document says of one collection.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct CollectionStatement {
    /// Which.
    pub collection: Collection,
    /// Elements missing here are gone.
    pub complete: bool,
    /// The elements, keyed, each key once.
    pub elements: Vec<ElementStatement>,
}

/// Absent and null apart in storage: a list of one around what is there, null or not.
pub(crate) mod maybe {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use super::Stated;

    #[expect(clippy::ref_option, reason = "the shape that serde calls")]
    pub(crate) fn serialize<S: Serializer>(
        value: &Option<Stated>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        value.as_ref().map(|value| [value]).serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Stated>, D::Error> {
        let list = Option::<[Stated; 1]>::deserialize(deserializer)?;
        Ok(list.map(|[value]| value))
    }
}

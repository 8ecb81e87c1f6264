//! Roles and what each may do: the one table of permissions.
//!
//! **Invariant:** a role may do what stands here and nothing else: a right that is not named is not
//! given. Test: `every_call_is_open_to_the_roles_of_the_table_and_to_no_other`.

use orderhub_lang::diagnostic::nearest;
use orderhub_order::catalogue::{FieldId, FieldSet, catalogue, known};
use serde::{Deserialize, Serialize};

/// What a token is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", try_from = "String")]
pub enum Role {
    /// Looks at everything, personal data masked.
    Viewer,
    /// Customer service: sees orders with their people, edits contact data and the customer's note.
    CsAgent,
    /// Warehouse: sees orders that are to be shipped or on their way, edits shipping time and tracking number.
    Warehouse,
    /// Finance: sees orders that are paid or to be settled, edits invoices and what was received.
    Finance,
    /// Runs the business: sees and does everything.
    OpsLead,
    /// A program that hands documents in and reads from systems; it sees no order.
    Integrator,
    /// A program that watches: systems and metrics, no order.
    Monitor,
}

/// What a call needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Right {
    /// Orders with their history, lanes and attempts.
    ReadOrders,
    /// Personal values as they are; without it they are masked, and raw messages are not shown.
    ReadPersonal,
    /// Fields of orders, those of [`Role::fields`].
    Edit,
    /// Holds of orders.
    ReleaseHolds,
    /// What needs a person.
    ReadTodos,
    /// Decisions about it.
    Settle,
    /// How systems are doing.
    ReadSystems,
    /// Cached reads from systems: replies as they came, whatever they hold.
    ReadReplies,
    /// Pauses and breakers.
    Operate,
    /// Documents in.
    Intake,
    /// `/metrics` on an address that others can reach.
    ReadMetrics,
}

/// Fields, and for each the words that show a row to a role; one of them is enough.
pub type Rows = &'static [(FieldId, &'static [&'static str])];

/// Released and not yet delivered.
const TO_SHIP: Rows = &[(
    known::order::STAGE,
    &["ready_to_release", "released", "picking", "packed", "partially_shipped", "in_transit"],
)];
/// Paid, or to be settled.
const PAID: Rows = &[
    (known::order::STATE_PAYMENT, &["captured", "partially_captured", "partially_refunded"]),
    (known::order::STATE_SETTLEMENT, &["pending"]),
];

impl Role {
    /// Every role, the templates for people first.
    pub const ALL: [Self; 7] = [
        Self::Viewer,
        Self::CsAgent,
        Self::Warehouse,
        Self::Finance,
        Self::OpsLead,
        Self::Integrator,
        Self::Monitor,
    ];

    /// Its word in settings.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::CsAgent => "cs_agent",
            Self::Warehouse => "warehouse",
            Self::Finance => "finance",
            Self::OpsLead => "ops_lead",
            Self::Integrator => "integrator",
            Self::Monitor => "monitor",
        }
    }

    /// The role of a word.
    ///
    /// # Errors
    ///
    /// A sentence with the roles that there are.
    pub fn parse(word: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|role| role.as_str() == word).ok_or_else(|| {
            let known = Self::ALL.map(Self::as_str);
            let hint = nearest(word, known).map(|near| format!("; did you mean `{near}`?"));
            let hint = hint.unwrap_or_default();
            format!("is `{word}`, which is no role; one of {}{hint}", known.join(", "))
        })
    }

    /// Everything it may do.
    pub fn rights(self) -> &'static [Right] {
        use Right::{
            Edit, Intake, Operate, ReadMetrics, ReadOrders, ReadPersonal, ReadReplies, ReadSystems,
            ReadTodos, ReleaseHolds, Settle,
        };
        match self {
            Self::Viewer => &[ReadOrders, ReadTodos, ReadSystems, ReadMetrics],
            Self::CsAgent => &[ReadOrders, ReadPersonal, Edit, ReadTodos, ReadSystems, ReadReplies],
            Self::Warehouse | Self::Finance => &[ReadOrders, ReadPersonal, Edit],
            Self::OpsLead => &[
                ReadOrders,
                ReadPersonal,
                Edit,
                ReleaseHolds,
                ReadTodos,
                Settle,
                ReadSystems,
                ReadReplies,
                Operate,
                Intake,
                ReadMetrics,
            ],
            Self::Integrator => &[Intake, ReadSystems, ReadReplies],
            Self::Monitor => &[ReadSystems, ReadMetrics],
        }
    }

    /// Whether it may.
    pub fn may(self, right: Right) -> bool {
        self.rights().contains(&right)
    }

    /// The orders it sees; an empty list: all.
    pub fn rows(self) -> Rows {
        match self {
            Self::Warehouse => TO_SHIP,
            Self::Finance => PAID,
            Self::Viewer | Self::CsAgent | Self::OpsLead | Self::Integrator | Self::Monitor => &[],
        }
    }

    /// The fields it may edit.
    pub fn fields(self) -> FieldSet {
        let only = |paths: &[&str]| {
            let sets = paths.iter().map(|path| catalogue().below(path));
            sets.fold(FieldSet::EMPTY, FieldSet::union)
        };
        match self {
            Self::OpsLead => FieldSet::ALL,
            Self::CsAgent => {
                only(&["notes.customer", "customer.email", "customer.phone", "customer.name"])
            }
            Self::Warehouse => only(&["shipments.shipped_at", "shipments.tracking_no"]),
            Self::Finance => only(&["invoices", "payments.status"]),
            Self::Viewer | Self::Integrator | Self::Monitor => FieldSet::EMPTY,
        }
    }
}

impl TryFrom<String> for Role {
    type Error = String;

    fn try_from(word: String) -> Result<Self, String> {
        Self::parse(&word)
    }
}

impl std::str::FromStr for Role {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        Self::parse(word)
    }
}

impl Right {
    /// What it allows, behind "may not".
    pub fn words(self) -> &'static str {
        match self {
            Self::ReadOrders => "read orders",
            Self::ReadPersonal => "read personal data",
            Self::Edit => "edit orders",
            Self::ReleaseHolds => "release holds",
            Self::ReadTodos => "read todos",
            Self::Settle => "decide about todos",
            Self::ReadSystems => "look at systems",
            Self::ReadReplies => "read from systems",
            Self::Operate => "pause systems or move breakers",
            Self::Intake => "hand documents in",
            Self::ReadMetrics => "read metrics",
        }
    }

    /// The roles that have it.
    pub fn roles(self) -> Vec<&'static str> {
        let roles = Role::ALL.into_iter().filter(|role| role.may(self));
        roles.map(Role::as_str).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_edits_its_fields_and_no_other() {
        let cases = [
            (Role::CsAgent, "customer.email", "totals.total"),
            (Role::Warehouse, "shipments.tracking_no", "shipments.status"),
            (Role::Finance, "invoices.no", "payments.amount"),
        ];
        for (role, own, other) in cases {
            let id = |path| catalogue().find_full(path).unwrap().id;
            assert!(role.fields().contains(id(own)), "{role:?} {own}");
            assert!(!role.fields().contains(id(other)), "{role:?} {other}");
        }
        for role in Role::ALL {
            assert_eq!(role.may(Right::Edit), !role.fields().is_empty(), "{role:?}");
        }
    }

    #[test]
    fn words_that_show_rows_are_words_of_the_catalogue() {
        for (field, words) in Role::ALL.into_iter().flat_map(Role::rows) {
            let field = catalogue().field(*field).unwrap();
            let orderhub_order::catalogue::FieldType::Enum(name) = field.ty else { panic!() };
            let known = catalogue().enum_values(name);
            assert!(words.iter().all(|word| known.contains(word)), "{}", field.path);
        }
    }

    #[test]
    fn a_role_that_is_none_is_refused_with_those_that_are() {
        let refused = Role::parse("ops_led").unwrap_err();
        assert!(
            refused.contains("viewer, cs_agent") && refused.contains("did you mean `ops_lead`?")
        );
        for role in Role::ALL {
            assert_eq!(Role::parse(role.as_str()), Ok(role));
        }
    }
}

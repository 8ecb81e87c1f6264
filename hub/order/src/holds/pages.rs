//! What each hold means and what ends it: `orderhub explain CODE` prints it, and `orderhub why ORDER` what ends it.

/// What is known of one code of the catalogue's enum `hold`.
#[derive(Debug)]
pub struct Hold {
    /// `inventory_short`
    pub code: &'static str,
    /// One line.
    pub title: &'static str,
    /// Why it stands and what it names, in sentences.
    pub text: &'static str,
    /// What ends it besides a person's release, without a full stop; `None`: nothing else.
    pub ends: Option<&'static str>,
}

/// The page of a code.
pub fn page(code: &str) -> Option<&'static Hold> {
    HOLDS.iter().find(|hold| hold.code == code)
}

/// What is said of codes that no rule of the hub places.
const NOBODY: &str =
    "The word is kept for orders that have such a hold; no rule of this hub places it.";

/// Every code, in the order of the catalogue.
pub const HOLDS: &[Hold] = &[
    Hold {
        code: "payment_review",
        title: "the payment is looked at by a person",
        text: NOBODY,
        ends: None,
    },
    Hold {
        code: "amount_mismatch",
        title: "the order's sums do not add up, or an amount is in another currency",
        text: "`totals.total` is not items - discount + shipping + fees, and + tax unless `tax_included`, within one smallest \
               unit of the currency for each line; or an amount of the order is in another currency than `currency`. The \
               detail has the numbers. A sum of which a part is absent is not checked.",
        ends: Some(
            "totals that add up: the next document of the system that states them, its mapping (a total that reads another \
             field, a tax that is included), or an edit",
        ),
    },
    Hold {
        code: "inventory_short",
        title: "a warehouse is short, and nothing else covers the line",
        text: "A fulfilment says `short` of a line, and what is shipped, released elsewhere or cancelled of it is less than was \
               ordered; the detail has the quantities, the scope is the line. Where a person releases it, the flow releases \
               what is short once more.",
        ends: Some(
            "a document of the warehouse without the shortage, another fulfilment or a parcel that covers the rest, or a \
             smaller order (`lines[…].qty.cancelled`)",
        ),
    },
    Hold { code: "unknown_sku", title: "an article that nobody knows", text: NOBODY, ends: None },
    Hold {
        code: "address_invalid",
        title: "an address that cannot be delivered to",
        text: NOBODY,
        ends: None,
    },
    Hold { code: "fraud_risk", title: "the order may be a fraud", text: NOBODY, ends: None },
    Hold { code: "compliance", title: "a rule or a law is in the way", text: NOBODY, ends: None },
    Hold {
        code: "customer_request",
        title: "the customer asked to wait",
        text: NOBODY,
        ends: None,
    },
    Hold {
        code: "connector_unavailable",
        title: "a system cannot be reached",
        text: "Systems that are down hold no order: what is for them waits in their lanes. The word is kept for orders that \
               have such a hold; no rule of this hub places it.",
        ends: None,
    },
    Hold {
        code: "conflict",
        title: "more of a line was shipped than was ordered",
        text: "The parcels of a line together have more than its `qty.ordered`; the detail has both, the scope is the line. \
               Nothing was thrown away: most often a parcel was counted twice, or the order was made smaller after it left.",
        ends: Some("quantities that fit: of the parcels, or of the order"),
    },
    Hold {
        code: "duplicate_suspect",
        title: "the order may be there twice",
        text: NOBODY,
        ends: None,
    },
    Hold {
        code: "unassigned",
        title: "several systems could take it, and nothing chooses one",
        text: "A release of the flow goes to one system of a role, and either several play it or none has the tag that \
               `assign:` wants; the detail names them, the scope is the role. Nothing was sent to any of them.",
        ends: Some(
            "`assign:` of the flow that chooses one, `tags` of `[systems.<name>]`, or the value of the order that `assign:` \
             looks at",
        ),
    },
    Hold {
        code: "unknown_value",
        title: "a system said a word that cannot be, or that nobody knows",
        text: "A state got a word that is none of the hub's and that no row of the mapping's table has (`on_unknown: hold`), or a \
               quantity is below zero. The order was changed by everything else that the document says, and there is no \
               todo for it: the hold's detail names the word, the system, the field and the rule, as `orderhub why ORDER` \
               shows it. Give the rule's table a row for the word: the system's next document about it is read with that. Who \
               releases the hold says that this word does not matter; another one holds the order again.",
        ends: Some(
            "the next document of the system with a word that is known (give the rule's table a row for this one), or with a \
             quantity that can be",
        ),
    },
    Hold {
        code: "illegal_transition",
        title: "a system took back a state that was final",
        text: "A state that is an end, such as delivered or cancelled, was moved on from by a system; the detail names the field \
               and the system. What stands is what the order shows: compare it with the system, and edit it where it is wrong.",
        ends: None,
    },
    Hold {
        code: "fulfilment_rejected",
        title: "a warehouse refused a fulfilment, or cancelled it unasked",
        text: "The scope is the fulfilment, the detail its status. Nothing is released again while it stands, so that nothing \
               leaves twice. Look in the warehouse for the reason; where a person releases it, the flow makes a new \
               fulfilment of what is open, else the order can be cancelled.",
        ends: Some("another status of the fulfilment, stated by the warehouse"),
    },
    Hold { code: "manual", title: "a person holds the order", text: NOBODY, ends: None },
    Hold {
        code: "period_closed",
        title: "the books of the period are closed",
        text: NOBODY,
        ends: None,
    },
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::catalogue;

    #[test]
    fn every_hold_has_its_page() {
        let codes: Vec<&str> = HOLDS.iter().map(|hold| hold.code).collect();
        assert_eq!(codes, catalogue().enum_values("hold"));
        for hold in HOLDS {
            let ends = hold.ends.is_none_or(|ends| !ends.ends_with('.'));
            assert!(
                hold.text.ends_with('.') && !hold.title.ends_with('.') && ends,
                "{}",
                hold.code
            );
        }
    }
}

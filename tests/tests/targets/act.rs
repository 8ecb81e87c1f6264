//! What may happen in a random story, and the kinds of stories.

use proptest::prelude::*;

/// One thing that happens. What is not possible at the time is passed over.
#[derive(Clone, Debug)]
pub(crate) enum Act {
    /// The shop says something else.
    Shop(Word),
    /// A person sets what the target is told of.
    Person(u8),
    /// A person leads the order back to its version, counted from the first and around.
    Restore(u8),
    /// The target's user writes, and it tells of that: `None` is a word that stood nowhere before.
    User(Said, Option<u8>),
    /// The target tells what it has, whoever wrote it.
    Show,
    /// A part's system states something of its own: of which part, what.
    Own(Part, u8),
    /// The warehouse packs another parcel.
    Parcel,
    /// The next call leaves.
    Fly,
    /// The deliverer looks at what to send next, and says nothing of it yet.
    Look,
    /// It says what it has found, or takes off what it saw.
    Looked,
    /// Something stands in the way of the next call.
    Blocked,
    /// The call takes effect.
    Land,
    /// The call is answered.
    Answer(Answer),
    /// All calls that are due leave, land and are answered.
    Drain,
    /// A person decides about a call in doubt, or one that was given up: as it is at the target.
    Decide,
    /// A person has what the target lacks sent to it, or all of it.
    Resend { all: bool },
    /// The second operation's entry is cut off the files, or is back.
    Cut,
}

/// What the shop changes.
#[derive(Clone, Debug)]
pub(crate) enum Word {
    Note(u8),
    Tier(u8),
    /// The second line goes, or comes back.
    Line,
    Quantity(u8),
}

/// Of which field the target's user speaks.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Said {
    /// The shop's words go before his.
    Note,
    /// His go before the shop's.
    Tier,
}

/// Of what a part's system speaks.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Part {
    /// The warehouse, of its release.
    Reason,
    /// The warehouse, of the parcel of this place.
    Number(u8),
    /// The carrier, of the parcel of this place.
    Label(u8),
}

/// What comes of a call.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Answer {
    Ok,
    MayHaveActed {
        landed: bool,
    },
    NotActed,
    /// Nobody can say.
    InDoubt {
        landed: bool,
    },
    /// The target says no.
    SaidNo,
    /// Nobody can say, and it is not tried again.
    Dead {
        landed: bool,
    },
    /// The target has found what an earlier attempt wrote, and writes nothing.
    Found,
}

/// A random story.
#[derive(Clone, Debug)]
pub(crate) struct Told {
    /// The target also tells of what an API wrote.
    pub(crate) reports: bool,
    /// Revisions are times, and time passes; else they are numbers.
    pub(crate) timed: bool,
    pub(crate) acts: Vec<Act>,
}

/// What a story is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// One operation.
    Note,
    /// One operation that tells of lines, which go and come back.
    Lines,
    /// Two operations with resources of their own.
    Two,
    /// One operation that makes the target's thing, and one that changes it. Its user's words are corrected.
    Made,
    /// The same, made in several steps.
    Steps,
    /// Three parts of a warehouse: a release and its parcels.
    Parts,
}

impl Kind {
    /// Whose target is looked at.
    pub(crate) fn target(self) -> &'static str {
        match self {
            Kind::Parts => "wms",
            Kind::Made | Kind::Steps => "erp",
            Kind::Note | Kind::Lines | Kind::Two => "crm",
        }
    }

    /// The key of its user's documents.
    pub(crate) fn key(self) -> &'static str {
        match self {
            Kind::Parts => "O",
            Kind::Made | Kind::Steps => "erp-1",
            Kind::Note | Kind::Lines | Kind::Two => "c",
        }
    }

    /// Whether a call makes the target's thing.
    pub(crate) fn is_made(self) -> bool {
        matches!(self, Kind::Made | Kind::Steps)
    }

    /// Random stories of the kind.
    pub(crate) fn stories(self) -> impl Strategy<Value = Told> {
        let acts = prop::collection::vec(self.act(), 1..14);
        (any::<bool>(), any::<bool>(), acts).prop_map(|(reports, timed, acts)| Told {
            reports,
            timed,
            acts,
        })
    }

    fn act(self) -> BoxedStrategy<Act> {
        let call = prop_oneof![
            5 => Just(Act::Fly),
            2 => Just(Act::Land),
            2 => Just(Act::Look),
            2 => Just(Act::Looked),
            1 => Just(Act::Blocked),
            4 => Just(Act::Answer(Answer::Ok)),
            2 => (any::<bool>(), any::<bool>()).prop_map(|(landed, again)| Act::Answer(match again {
                true => Answer::MayHaveActed { landed },
                false => Answer::InDoubt { landed },
            })),
            1 => Just(Act::Decide),
            1 => Just(Act::Answer(Answer::NotActed)),
            2 => Just(Act::Answer(Answer::Found)),
            1 => Just(Act::Answer(Answer::SaidNo)),
            2 => any::<bool>().prop_map(|landed| Act::Answer(Answer::Dead { landed })),
            1 => any::<bool>().prop_map(|all| Act::Resend { all }),
            1 => Just(Act::Drain),
        ];
        let note = 0..3_u8;
        let word = match self {
            Kind::Parts => {
                let part = prop_oneof![
                    Just(Part::Reason),
                    (0..2_u8).prop_map(Part::Number),
                    (0..2_u8).prop_map(Part::Label),
                ];
                prop_oneof![
                    4 => note.prop_map(Act::Person),
                    4 => (part, 0..3_u8).prop_map(|(part, word)| Act::Own(part, word)),
                    1 => Just(Act::Parcel),
                    2 => Just(Act::Show),
                ]
                .boxed()
            }
            Kind::Note | Kind::Lines | Kind::Two | Kind::Made | Kind::Steps => {
                let lines = u32::from(matches!(self, Kind::Lines | Kind::Two));
                let said = prop_oneof![2 => Just(Said::Note), 1 => Just(Said::Tier)];
                let two = u32::from(self == Kind::Two);
                prop_oneof![
                    5 => note.clone().prop_map(|word| Act::Shop(Word::Note(word))),
                    2 => note.clone().prop_map(|word| Act::Shop(Word::Tier(word))),
                    4 * lines => Just(Act::Shop(Word::Line)),
                    lines => (1..4_u8).prop_map(|number| Act::Shop(Word::Quantity(number))),
                    1 => note.clone().prop_map(Act::Person),
                    1 => (0..8_u8).prop_map(Act::Restore),
                    3 => (said, prop::option::of(note)).prop_map(|(said, word)| Act::User(said, word)),
                    2 => Just(Act::Show),
                    two => Just(Act::Cut),
                ]
                .boxed()
            }
        };
        prop_oneof![word, call].boxed()
    }
}

//! What new files look up and was not recorded with a message: as it stands now, found out as a hub finds it out.

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use orderhub_mapping::facts::LookupKey;

use crate::bundle::{Bundle, Kept};
use crate::intake::{Envelope, Finder, Known, Left, Looks, rounds};
use crate::store::StoreError;
use crate::store::traffic::Traffic;

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Now {
    /// Nothing had to be looked up.
    Recorded,
    /// All is known.
    Known,
    /// A reference that the message would wait for is not known.
    Waits,
    /// A system would have to be asked.
    Asks,
    /// There is more to be looked up than may be.
    TooMany,
}

/// Asks nobody but the store.
struct Stored<'t> {
    traffic: &'t mut dyn Traffic,
    /// What was open by the files of then, too.
    open: &'t [LookupKey],
    /// Something had to be looked up.
    looked: bool,
    /// A system would have to be asked.
    asks: bool,
}

impl Finder for Stored<'_> {
    fn known(&mut self) -> &mut dyn Known {
        self.looked = true;
        &mut self.traffic
    }

    fn read<'a>(&'a mut self, wants: &'a [LookupKey], _: &'a mut Looks) -> BoxFuture<'a, ()> {
        self.asks |= !wants.is_empty();
        std::future::ready(()).boxed()
    }

    fn leaves(&self, want: &LookupKey) -> bool {
        self.open.contains(want)
    }

    fn is_done(&self, looks: &Looks) -> bool {
        self.asks || !looks.lacks.is_empty()
    }
}

/// Adds to `kept` what a bundle looks up besides for a message, but for what is `open` by the files of then, too.
pub(super) async fn look_up(
    traffic: &mut dyn Traffic,
    bundle: &Bundle,
    envelope: &Envelope,
    kept: &mut Kept,
    open: &[LookupKey],
) -> Result<Now, StoreError> {
    let mut looks = Looks::with(std::mem::take(kept));
    let mut stored = Stored { traffic, open, looked: false, asks: false };
    let left = rounds(&mut stored, bundle, (envelope, None), &mut looks).await?;
    *kept = looks.kept;
    Ok(match left {
        _ if stored.asks => Now::Asks,
        _ if !looks.lacks.is_empty() => Now::Waits,
        Left::Many | Left::Deep => Now::TooMany,
        Left::Nothing | Left::Rest if stored.looked => Now::Known,
        Left::Nothing | Left::Rest => Now::Recorded,
    })
}

//! The shape of the files in use, for the description of the API.

#![expect(dead_code, reason = "only their shape is used")]

use serde_json::Value;
use utoipa::ToSchema;

/// The integration files in use by the process that answers.
#[derive(ToSchema)]
pub(in crate::http) struct InUse {
    /// As every version of an order names it.
    hash: String,
    /// Since when.
    #[schema(format = DateTime)]
    since: String,
    /// Files that stand in the folder or in the store and are not used; null: there are none.
    #[schema(required)]
    refused: Option<RefusedFiles>,
    /// A folder that has not stood still for ten seconds or more, and is not taken until it does; null: it rests.
    #[schema(required)]
    changing: Option<ChangingFiles>,
    /// Files that lack an entry of `deliver:` and are not switched to before the hubs of an earlier version have ended;
    /// null: there are none.
    #[schema(required)]
    held: Option<HeldFiles>,
    /// What is probably not meant in files that are in use: a system is not sent any more what it was sent before; a
    /// mapping lost its cases, or fails them; at most 100 of these.
    warnings: Vec<FileWarning>,
}

/// A folder that changes on and on.
#[derive(ToSchema)]
pub(in crate::http) struct ChangingFiles {
    #[schema(format = DateTime)]
    since: String,
    /// What is said of it.
    why: String,
}

/// Files that wait for the end of an upgrade.
#[derive(ToSchema)]
pub(in crate::http) struct HeldFiles {
    hash: String,
    #[schema(format = DateTime)]
    since: String,
    /// For whom and for what, in a sentence.
    why: String,
}

/// What is probably not meant in a file.
#[derive(ToSchema)]
pub(in crate::http) struct FileWarning {
    /// Its file, with the place of the case where it is one's.
    file: String,
    /// What it is, in a sentence.
    why: String,
}

/// Files that are not used; those in use stay.
#[derive(ToSchema)]
pub(in crate::http) struct RefusedFiles {
    /// Null: they could not be read whole.
    #[schema(required)]
    hash: Option<String>,
    #[schema(format = DateTime)]
    at: String,
    from: RefusedFrom,
    /// Why, in a sentence.
    why: String,
    /// What is wrong at which place, as `orderhub check -o json` writes it; at most 100.
    findings: Vec<Value>,
}

/// `folder`: the one of this process; `store`: what another process has switched to.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub(in crate::http) enum RefusedFrom {
    Folder,
    Store,
}

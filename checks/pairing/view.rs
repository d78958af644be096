//! The device store that this installation's gateway goes by, whichever generation it is of.

use super::rules::Rules;
use crate::checks::Context;
use crate::model::{Evidence, Fact, HostPath, Span, Unknown};
use crate::snapshot::device::{CachedToken, DeviceId, DeviceIdentity, PairedDevice, PendingRequest, RecordPlace};
use crate::snapshot::device_key::{decode_public, device_id_of};
use crate::snapshot::installation::StoreKind;
use crate::snapshot::store::{JsonStore, StoreFile};
use crate::statedb::facts::DatabaseContent;
use std::collections::HashMap;

/// The store and its rules.
#[derive(Debug, Clone)]
pub(super) struct View<'s> {
    /// Which generation.
    pub generation: Generation<'s>,
    /// The rules of the release.
    pub rules: Rules,
    /// The time to judge as of, in ms since 1970.
    pub as_of_ms: i64,
    context: Context<'s>,
    /// See [`View::host_id`].
    host: Option<DeviceId>,
    /// Paired devices by their key; stores of thousands are looked through more than once.
    by_key: HashMap<&'s str, &'s PairedDevice>,
}

/// The two generations of the store.
#[derive(Debug, Clone, Copy)]
pub(super) enum Generation<'s> {
    /// `devices/*.json`
    Json(&'s JsonStore),
    /// `state/openclaw.sqlite`
    Sqlite(&'s HostPath, &'s DatabaseContent),
}

/// A part of the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// Paired devices.
    Paired,
    /// Waiting requests.
    Pending,
    /// The key pair of this state directory.
    Identity,
    /// The device tokens that its clients keep.
    Cached,
}

impl<'s> View<'s> {
    /// The live store.
    ///
    /// # Errors
    /// Where it is a database that could not be read.
    pub fn of(context: &Context<'s>) -> Result<Self, Unknown> {
        let installation = context.installation;
        let json = match installation.era() {
            Some(era) => era.is_json(),
            None => !matches!(installation.store, StoreKind::Sqlite | StoreKind::Both),
        };
        let generation = if json {
            Generation::Json(&installation.devices)
        } else {
            match &installation.database {
                Fact::Known(database) => match &database.content {
                    Fact::Known(content) => Generation::Sqlite(&database.path, content),
                    Fact::Absent => Generation::Json(&EMPTY),
                    Fact::Unknown(why) => return Err(why.clone()),
                },
                // Nothing was ever stored, and JSON files are no longer read.
                Fact::Absent => Generation::Json(&EMPTY),
                Fact::Unknown(why) => return Err(why.clone()),
            }
        };
        let mut view = Self {
            generation,
            rules: Rules::of(installation.release(), json),
            as_of_ms: context.snapshot.as_of_ms(),
            context: *context,
            host: None,
            by_key: HashMap::new(),
        };
        view.host = view.identity().known().and_then(|identity| own_id(identity));
        let paired = view.paired().unwrap_or_default();
        view.by_key = paired.iter().map(|device| (device.place.key.as_str(), device)).collect();
        Ok(view)
    }

    /// The paired devices as the gateway sees them: none where it can't use the text.
    ///
    /// # Errors
    /// Where they could not be read.
    pub fn paired(&self) -> Result<&'s [PairedDevice], Unknown> {
        match self.generation {
            Generation::Json(store) => live(&store.paired),
            Generation::Sqlite(_, content) => rows(&content.paired),
        }
    }

    /// The records that could be made out, also of a text that the gateway can't use.
    pub fn all_records(&self) -> &'s [PairedDevice] {
        match self.generation {
            Generation::Json(store) => &store.paired.records,
            Generation::Sqlite(_, content) => content.paired.known().map_or(&[], Vec::as_slice),
        }
    }

    /// The waiting requests as the gateway sees them, expired ones included.
    ///
    /// # Errors
    /// Where they could not be read.
    pub fn pending(&self) -> Result<&'s [PendingRequest], Unknown> {
        match self.generation {
            Generation::Json(store) => live(&store.pending),
            Generation::Sqlite(_, content) => rows(&content.pending),
        }
    }

    /// The key pair of this state directory.
    pub fn identity(&self) -> Fact<&'s DeviceIdentity> {
        match self.generation {
            Generation::Json(store) => match store.identity.why_unknown() {
                Some(why) => Fact::Unknown(why),
                None => store.identity.live().first().into(),
            },
            Generation::Sqlite(_, content) => content.primary_identity(),
        }
    }

    /// The device tokens that clients of this state directory keep for this gateway.
    pub fn cached(&self) -> &'s [CachedToken] {
        match self.generation {
            Generation::Json(store) => store.cached.live(),
            Generation::Sqlite(_, content) => content.cached_tokens.known().map_or(&[], Vec::as_slice),
        }
    }

    /// The id under which the host's own clients and the gateway itself appear, worked out from the key: OpenClaw corrects
    /// a wrong id beside it.
    pub fn host_id(&self) -> Option<&DeviceId> {
        self.host.as_ref()
    }

    /// Whether this is the id of the host's own identity.
    pub fn is_host(&self, id: &Fact<DeviceId>) -> bool {
        match (id, self.host_id()) {
            (Fact::Known(id), Some(host)) => id == host,
            _ => false,
        }
    }

    /// The record under which the gateway looks a device up.
    pub fn record_of(&self, id: &DeviceId) -> Option<&'s PairedDevice> {
        self.by_key.get(id.0.as_str()).copied()
    }

    /// The file of a part.
    pub fn path(&self, part: Part) -> HostPath {
        let installation = self.context.installation;
        match self.generation {
            Generation::Sqlite(path, _) => path.clone(),
            Generation::Json(store) => {
                let (path, usual) = match part {
                    Part::Paired => (&store.paired.path, "devices/paired.json"),
                    Part::Pending => (&store.pending.path, "devices/pending.json"),
                    Part::Identity => (&store.identity.path, "identity/device.json"),
                    Part::Cached => (&store.cached.path, "identity/device-auth.json"),
                };
                path.clone().unwrap_or_else(|| installation.path(usual))
            }
        }
    }

    /// Where a record stands in its file; nothing for a row.
    pub fn span(&self, part: Part, place: &RecordPlace) -> Option<Span> {
        match (self.generation, part) {
            (Generation::Json(store), Part::Paired) => store.paired.span_of(place),
            (Generation::Json(store), Part::Pending) => store.pending.span_of(place),
            _ => None,
        }
    }

    /// A record as evidence.
    pub fn evidence(&self, part: Part, place: &RecordPlace, text: impl Into<String>) -> Evidence {
        let text = match (self.generation, part) {
            (Generation::Json(_), _) => text.into(),
            (Generation::Sqlite(..), Part::Paired) => format!("device_pairing_paired: {}", text.into()),
            (Generation::Sqlite(..), Part::Pending) => format!("device_pairing_pending: {}", text.into()),
            (Generation::Sqlite(..), Part::Identity) => format!("device_identities: {}", text.into()),
            (Generation::Sqlite(..), Part::Cached) => format!("device_auth_tokens: {}", text.into()),
        };
        let evidence = Evidence::new(text).at(&self.path(part));
        match self.span(part, place) {
            Some(span) => evidence.span(span),
            None => evidence,
        }
    }

    /// Whether no node was ever approved: none among the records of a database, or an empty `nodes/paired.json`.
    pub fn knows_no_node(&self) -> bool {
        match self.generation {
            Generation::Json(store) => {
                let list = store.others.iter().find(|(path, _)| path.to_string().ends_with("/nodes/paired.json"));
                // `{}`, perhaps with a line end.
                list.is_some_and(|(_, meta)| meta.size <= 4)
            }
            Generation::Sqlite(_, content) => content.paired.known().is_some_and(|rows| {
                !rows.iter().any(|row| {
                    row.roles.known().is_some_and(|roles| roles.iter().any(|role| role == "node"))
                        || row.role.known().is_some_and(|role| role == "node")
                })
            }),
        }
    }

    /// The JSON store, if it is the live one.
    pub fn json(&self) -> Option<&'s JsonStore> {
        match self.generation {
            Generation::Json(store) => Some(store),
            Generation::Sqlite(..) => None,
        }
    }

    /// Whether the shared secret that the host's CLI would send is configured. `None` where the configuration does not say,
    /// because it may be in the environment.
    pub fn shared_secret(&self) -> Option<bool> {
        let config = &self.context.installation.config;
        let root = config.root()?;
        let set = |key: &str| root.at(&["gateway", "auth", key]).is_some();
        let mode = config.at(&["gateway", "auth", "mode"]).and_then(|node| node.as_str());
        match mode {
            Some("none") => Some(false),
            _ if set("token") || set("password") => Some(true),
            _ => None,
        }
    }

    /// Whether the host's own CLI shows its device to the gateway. Where it is not known whether a shared secret is set, one
    /// is taken to be: the install writes one.
    pub fn cli_sends_device(&self) -> bool {
        self.rules.cli_sends_device(self.shared_secret().unwrap_or(true))
    }

    /// Whether any proxy is trusted.
    pub fn trusts_proxies(&self) -> bool {
        let config = &self.context.installation.config;
        config
            .at(&["gateway", "trustedProxies"])
            .is_some_and(|node| node.elements().is_none_or(|elements| !elements.is_empty()))
    }

    /// `gateway.nodes.pairing.autoApproveLocal`, which is on unless it is switched off (from 2026.8.1).
    pub fn auto_local(&self) -> bool {
        let config = &self.context.installation.config;
        config.at(&["gateway", "nodes", "pairing", "autoApproveLocal"]).and_then(|node| node.as_bool()) != Some(false)
    }
}

/// The id that belongs to an identity's key, or the stored one where the key can't be read.
fn own_id(identity: &DeviceIdentity) -> Option<DeviceId> {
    match identity.key.text.known().and_then(|text| decode_public(text).1) {
        Some(raw) => Some(device_id_of(&raw)),
        None => identity.device_id.known().cloned(),
    }
}

/// Stands for a store that was never written.
static EMPTY: JsonStore = JsonStore::EMPTY;

fn live<T>(file: &StoreFile<T>) -> Result<&[T], Unknown> {
    match file.why_unknown() {
        Some(why) => Err(why),
        None => Ok(file.live()),
    }
}

fn rows<T>(rows: &Fact<Vec<T>>) -> Result<&[T], Unknown> {
    match rows {
        Fact::Known(rows) => Ok(rows),
        Fact::Absent => Ok(&[]),
        Fact::Unknown(why) => Err(why.clone()),
    }
}

//! What a log line says happened. The ids are part of snapshots and signature files and stay as they are.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// Groups of kinds, for the timeline and for what a capped summary keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum KindClass {
    /// A connection was refused or broke off before it was accepted.
    Refusal,
    /// Something noticed about a connection that does not refuse it by itself.
    Remark,
    /// Something that changes the state of the installation: pairings, configuration, starts and stops.
    Change,
    /// The gateway refused to start or was kept from starting.
    StartRefusal,
    /// A fault of the machine or of the stored state.
    Fault,
    /// What a client program printed about its own attempt.
    Client,
    /// Says only which release or file is in use.
    Mark,
}

macro_rules! kinds {
    ($($variant:ident $id:literal $class:ident $words:literal;)*) => {
        /// What a log line says happened.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum EventKind {
            $(#[doc = $words] #[serde(rename = $id)] $variant,)*
        }

        impl EventKind {
            /// Every kind, in the order of the table.
            pub const ALL: &'static [EventKind] = &[$(EventKind::$variant,)*];

            /// The id used in JSON and in signature files.
            pub fn id(self) -> &'static str {
                match self { $(EventKind::$variant => $id,)* }
            }

            /// Plain words for the timeline.
            pub fn words(self) -> &'static str {
                match self { $(EventKind::$variant => $words,)* }
            }

            /// The group it belongs to.
            pub fn class(self) -> KindClass {
                match self { $(EventKind::$variant => KindClass::$class,)* }
            }
        }
    };
}

kinds! {
    Rejected "rejected" Refusal "connection refused";
    Unauthorized "unauthorized" Refusal "credentials refused";
    HandshakeTimeout "handshake-timeout" Refusal "handshake timed out";
    ProtocolMismatch "protocol-mismatch" Refusal "protocol versions differ";
    InvalidHandshake "invalid-handshake" Refusal "handshake misused by the client";
    HandlerError "handler-error" Refusal "the gateway failed while it handled a handshake";
    HandlerErrorEcho "handler-error-echo" Remark "the same failure as the line beside it";
    RequestFailed "request-failed" Fault "the gateway failed while it handled a request";
    RateLimited "rate-limited" Refusal "too many failed attempts, address locked out for now";
    ProxyHeadersUntrusted "proxy-headers-untrusted" Remark "proxy headers from an address that is not trusted";
    NonLocalHostHeader "non-local-host-header" Remark "loopback connection with another Host header";
    UnattributableProxy "unattributable-proxy" Refusal "proxied traffic without a usable client address";
    OriginHostFallback "origin-host-fallback" Remark "browser origin accepted by its Host header only";
    AccessUpgradeRequested "access-upgrade-requested" Refusal "a device asked for more than its record holds";
    MetadataUpgradeRequested "metadata-upgrade-requested" Refusal "a device came back with other metadata";
    AutoApproved "auto-approved" Change "pairing approved by the gateway itself";
    Approved "approved" Change "pairing approved";
    PairingRemoved "pairing-removed" Change "pairing removed";
    PairingPruned "pairing-pruned" Change "older pairing of a like client dropped";
    TokenRotated "token-rotated" Change "device token rotated";
    TokenRevoked "token-revoked" Change "device token revoked";
    StoreMigrated "store-migrated" Change "device store moved to SQLite";
    RecordSkipped "record-skipped" Fault "a stored record was skipped as invalid";
    Starting "starting" Change "gateway starting";
    Listening "listening" Change "gateway listening";
    Ready "ready" Change "gateway ready";
    AliasBindFailed "alias-bind-failed" Remark "second loopback address could not be bound";
    Signal "signal" Change "stop or restart signal";
    Stopping "stopping" Change "gateway stopping";
    Restarting "restarting" Change "gateway restarting";
    RestartIgnored "restart-ignored" Remark "restart request ignored";
    ShutdownTimedOut "shutdown-timed-out" Fault "shutdown took too long";
    ConfigChanged "config-changed" Change "configuration file changed";
    ConfigApplied "config-applied" Change "configuration applied";
    ConfigNeedsRestart "config-needs-restart" Change "configuration change wants a restart";
    ConfigSkipped "config-skipped" Fault "configuration change not applied";
    ConfigInvalid "config-invalid" StartRefusal "configuration rejected";
    ConfigUnreadable "config-unreadable" StartRefusal "configuration file cannot be read";
    ConfigRestored "config-restored" Change "configuration put back from a copy";
    ConfigAnomaly "config-anomaly" Fault "configuration looks wiped or shrunk";
    ConfigWritten "config-written" Change "configuration file rewritten";
    ConfigNewer "config-newer" Fault "configuration written by a newer release";
    TokenGenerated "token-generated" Change "gateway token generated";
    AuthModeNone "auth-mode-none" Remark "authentication switched off";
    OriginsSeeded "origins-seeded" Change "allowed origins filled in";
    PortInUse "port-in-use" Fault "port already in use";
    PortOwner "port-owner" Remark "who holds the port";
    AlreadyListening "already-listening" StartRefusal "something already listens on the gateway's address";
    AlreadyRunning "already-running" StartRefusal "another gateway holds the lock";
    StateOwned "state-owned" StartRefusal "another process owns the state directory";
    LockFailed "lock-failed" StartRefusal "the lock file cannot be used";
    LockWait "lock-wait" Remark "waiting for another gateway";
    StalePidsCleared "stale-pids-cleared" Change "gateway processes on the port were ended";
    DuelingServices "dueling-services" Fault "two services want the same port";
    OtherServices "other-services" Remark "other gateway-like services";
    RefusedMode "refused-mode" StartRefusal "start refused: gateway.mode";
    RefusedAuth "refused-auth" StartRefusal "start refused: authentication settings";
    RefusedOrigins "refused-origins" StartRefusal "start refused: allowed origins missing";
    RefusedBind "refused-bind" StartRefusal "start refused: bind settings";
    RefusedTailscale "refused-tailscale" StartRefusal "start refused: Tailscale settings";
    RefusedSecrets "refused-secrets" StartRefusal "start refused: secrets unresolved";
    RefusedMigration "refused-migration" StartRefusal "start refused: state migration";
    RefusedOwnership "refused-ownership" StartRefusal "start refused: state cannot be read or written";
    RefusedMaintenance "refused-maintenance" StartRefusal "start refused: maintenance needed";
    StartFailed "start-failed" StartRefusal "gateway failed to start";
    StartFailedStaysAlive "start-failed-stays-alive" StartRefusal "start failed, process stays alive without listening";
    LegacyState "legacy-state" Fault "retired JSON files are in the way";
    DatabaseLocked "database-locked" Fault "state database locked";
    DatabaseDamaged "database-damaged" Fault "state database damaged";
    DatabaseNewer "database-newer" Fault "state database newer than the program";
    DatabaseReplaced "database-replaced" Fault "state database replaced under the gateway";
    DatabaseSlow "database-slow" Remark "state database slow";
    NoSpace "no-space" Fault "no space left";
    ReadOnlyFilesystem "read-only-filesystem" Fault "file system is read-only";
    TooManyFiles "too-many-files" Fault "no file descriptor left";
    PermissionDenied "permission-denied" Fault "permission denied";
    FilesystemFault "filesystem-fault" Fault "the file system refused an operation";
    OutOfMemory "out-of-memory" Fault "out of memory";
    SecretUnresolved "secret-unresolved" Fault "a secret could not be resolved";
    UnitStarted "unit-started" Change "service started";
    UnitStopped "unit-stopped" Change "service stopped";
    UnitExited "unit-exited" Fault "service process exited";
    UnitRestarts "unit-restarts" Fault "service restarted by its manager";
    StartLimitHit "start-limit-hit" StartRefusal "service manager gave up restarting";
    NoUserBus "no-user-bus" Remark "no user service manager in that shell";
    ServiceBlocked "service-blocked" StartRefusal "service manager could not start the service";
    ClientClosed "client-closed" Client "client saw the gateway close the connection";
    ClientFailed "client-failed" Client "client could not connect";
    ClientUnreachable "client-unreachable" Client "client found nothing listening";
    ClientUpgradeRejected "client-upgrade-rejected" Client "client got an HTTP answer instead of a connection";
    PlaintextRefused "plaintext-refused" Client "client refuses an unencrypted connection";
    UrlNeedsCredentials "url-needs-credentials" Client "an explicit address needs explicit credentials";
    CredentialsRequired "credentials-required" Client "client has no credentials to send";
    UnknownRequest "unknown-request" Client "the request id is no longer known";
    VersionMark "version-mark" Mark "release";
    LogFile "log-file" Mark "log file";
    Custom "custom" Remark "a signature of your own";
}

impl EventKind {
    /// Whether it changes the state of the installation; such events survive a capped summary.
    pub fn is_change(self) -> bool {
        self.class() == KindClass::Change
    }

    /// Whether it says that the gateway did not start.
    pub fn is_start_refusal(self) -> bool {
        self.class() == KindClass::StartRefusal
    }

    /// Whether it says that a connection was refused.
    pub fn is_refusal(self) -> bool {
        self.class() == KindClass::Refusal
    }

    /// Whether it shows a gateway that accepts connections again.
    pub fn is_up(self) -> bool {
        matches!(self, EventKind::Listening | EventKind::Ready)
    }
}

/// A text that names no kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no event kind")]
pub struct KindError(String);

impl FromStr for EventKind {
    type Err = KindError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        EventKind::ALL.iter().copied().find(|kind| kind.id() == text).ok_or_else(|| KindError(text.to_owned()))
    }
}

impl fmt::Display for EventKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id())
    }
}

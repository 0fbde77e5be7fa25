//! The catalogue of what an operator can run into: each has a code that never changes its meaning,
//! a sentence, a cause and a way to mend it. `privcomm explain` prints it.
//!
//! Codes are grouped by where one looks: ADM the way from the commands to the daemon, API what the
//! daemon answers, CFG the configuration, CLI a member's client, DBS the database, DSK the disk, INV
//! invites, NET addresses and ports, PSH notifications, STA the state directory, SYS the process, TLS
//! certificates, TRN the media relay, TUN the tunnel, USR members. A new one is a row of the table
//! below; a code that is no longer used stays out of use.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

macro_rules! troubles {
    ($($name:ident = $code:literal, $sentence:literal, $cause:literal, $fix:literal;)*) => {
        /// Something that an operator can run into.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Trouble {
            $(#[doc = $sentence] $name,)*
        }

        impl Trouble {
            /// Every trouble there is, in the order of the codes.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// Its code: `PC-`, a group, a number.
            pub const fn code(self) -> &'static str {
                match self { $(Self::$name => $code),* }
            }

            /// What is wrong, in a sentence.
            pub const fn sentence(self) -> &'static str {
                match self { $(Self::$name => $sentence),* }
            }

            /// How it comes about.
            pub const fn cause(self) -> &'static str {
                match self { $(Self::$name => $cause),* }
            }

            /// What mends it: a command where one does.
            pub const fn fix(self) -> &'static str {
                match self { $(Self::$name => $fix),* }
            }
        }
    };
}

troubles! {
    NoDaemon = "PC-ADM-01", "The daemon is not running.",
        "Commands talk to the daemon over its admin socket, and there is no such file. The daemon \
         makes it when it starts and removes it when it stops; one that was started by hand has it \
         in its state directory.",
        "systemctl start privcomm    or name the socket: --socket DIR/admin.sock";
    SocketDenied = "PC-ADM-02", "This user may not use the admin socket.",
        "Only root, the daemon's own user and members of the socket's group are operators.",
        "run the command with sudo, or join the group: usermod -aG privcomm USER, then log in again";
    SocketStale = "PC-ADM-03", "The admin socket is there, but no daemon listens at it.",
        "A daemon that was killed leaves the file of its socket behind; the next one replaces it.",
        "systemctl restart privcomm";
    SocketForeign = "PC-ADM-04", "What answers at the admin socket is not privcomm.",
        "Another program listens at this path, or the path is that of the daemon's public side.",
        "name the admin socket: --socket PATH, or server.admin_socket in the configuration";
    SocketSilent = "PC-ADM-05", "The daemon does not answer at its admin socket.",
        "It is overloaded or stopped in the middle (SIGSTOP, a debugger, a stalled disk), or as many \
         commands as it serves at once are under way.",
        "look at the log: journalctl -u privcomm -e    then systemctl restart privcomm";
    VersionDiffers = "PC-ADM-06", "This command and the daemon are of different versions.",
        "The package was upgraded and the daemon still runs the version before, or two versions are \
         installed.",
        "systemctl restart privcomm    or use the command of the daemon's version";
    NotOperator = "PC-ADM-07", "The daemon doesn't take this process for an operator.",
        "Somebody changed the mode of the socket, so that more people than its group reach it. The \
         daemon then believes only what the system says about who connected.",
        "systemctl restart privcomm makes the socket anew; use sudo meanwhile";
    AdminSocket = "PC-ADM-08", "The daemon can't make its admin socket.",
        "Another daemon listens there, the directory is missing or not the daemon's to write to, \
         something that is no socket is in the way, or the path is longer than the system takes.",
        "set server.admin_socket to another path";
    NotFound = "PC-API-01", "The daemon has nothing by that name.",
        "What the command names doesn't exist, or no longer.",
        "list what there is, and use an id from the list";
    Refused = "PC-API-02", "The daemon refuses to do this.",
        "It would break a rule that the answer names.",
        "do what the answer says";
    Conflict = "PC-API-03", "The daemon is in another state than this needs.",
        "Something else was done before, or is being done right now.",
        "look at how things stand now, and try again";
    TryLater = "PC-API-04", "The daemon can't do this right now.",
        "It is stopping, has no room at the moment, or was asked too often.",
        "try again in a moment";
    Failed = "PC-API-05", "The daemon failed at this.",
        "A fault of its own, or of the machine under it.",
        "look at the log: journalctl -u privcomm -e";
    NotUnderstood = "PC-API-06", "The daemon doesn't understand the request.",
        "An option has a value that it doesn't take.",
        "the answer names what is expected";
    BackupDamaged = "PC-BKP-01", "The backup is damaged, or no backup at all.",
        "The file was cut off or changed on its way or on its disk, or it is something else.",
        "use another one: privcomm backup list";
    BackupSealed = "PC-BKP-02", "The backup is sealed, and the passphrase is missing or another one.",
        "It was made with --seal. The passphrase comes from the terminal, --passphrase-file or \
         PRIVCOMM_BACKUP_PASSPHRASE.",
        "give the passphrase it was sealed with; without it nothing can be read";
    BackupUnknown = "PC-BKP-03", "No single backup fits this name.",
        "No backup in the directory begins like this, or several do.",
        "see their names: privcomm backup list    or give the path of a file";
    BackupFailed = "PC-BKP-04", "The backup or the restore can't be done.",
        "A directory is missing or not this user's to write to, or the disk is full. The message says \
         which. Nothing was changed.",
        "put that right and try again";
    BackupMount = "PC-BKP-05", "The state directory can't be exchanged in one step.",
        "It is a mount point, or its file system can't exchange two directories.",
        "restore into another directory: privcomm restore NAME --data DIR, and set store.path to it";
    BackupMissing = "PC-BKP-06", "There is no recent backup.",
        "No directory is set for the daily backups, the daemon has made none yet, or making them fails.",
        "privcomm backup create    and look at: privcomm logs --grep backup";
    Configuration = "PC-CFG-01", "The configuration is wrong.",
        "A key is unknown, or a value is of another form or outside its range. The message says \
         which, and where it stands.",
        "correct it, then: privcomm config check";
    NoOrigin = "PC-CFG-02", "Clients would not know what server they log in to.",
        "Clients sign the origin they connect to. On a Unix socket alone there is none.",
        "set server.public_url to what members open, such as https://chat.example.org";
    ConfigFile = "PC-CFG-03", "The configuration file can't be changed.",
        "It can't be written to, or what it would become is no right configuration. It is as it was.",
        "run the command with sudo, or name the file: --config FILE";
    ConfigUnread = "PC-CFG-04", "The configuration was changed after the daemon read it.",
        "The daemon reads it when it starts and when it is reloaded; some keys count after a restart only.",
        "systemctl reload privcomm    or, for keys that say so in the example, systemctl restart privcomm";
    NoAccount = "PC-CLI-01", "There is no account in this directory, or another one.",
        "Nobody registered with this directory, or it belongs to another handle or server.",
        "privcomm client register LINK HANDLE    or name the directory: --dir DIR";
    ServerUnreachable = "PC-CLI-02", "The server can't be reached.",
        "The network is down, the server is, or its certificate is signed by nobody that this machine \
         trusts.",
        "try again later; a certificate of one's own is named with --certificate FILE";
    ServerRefuses = "PC-CLI-03", "The server refuses this.",
        "An invite is used up or mistyped, a handle is taken, nobody has the handle that was named, or a \
         limit is reached. The answer says which.",
        "do what the answer says";
    AccountStorage = "PC-CLI-04", "What the account is kept in can't be used.",
        "Another privcomm client has the directory open, the passphrase is missing or another one, or the \
         disk fails. The message says which.",
        "end the other process, or give the passphrase: --passphrase-file FILE";
    SafetyNumber = "PC-CLI-05", "Somebody's safety number changed, or isn't the one that was compared.",
        "They have a new device or lost their keys; or somebody stands between.",
        "compare it with them over another way: privcomm client verify WHO    then --mark, or \
         privcomm client contacts accept WHO";
    ClientInput = "PC-CLI-06", "What was given to the client can't be used.",
        "A link, an address, a code, a file or a text is of another form than is expected.",
        "the message says what is expected";
    ServerForeign = "PC-CLI-07", "What answers is not a server that this client understands.",
        "Something else has this address, or something on the way answers in its place.",
        "open the address in a browser and see who answers";
    OwnIdentity = "PC-CLI-08", "The server has another identity key for this account.",
        "The account was recovered on another device, or the server lies.",
        "ask who runs the server; then register again, with a recovery code, in an empty directory";
    ClockOff = "PC-CLK-01", "The clock of this machine is off.",
        "Nothing keeps it, or what keeps it reaches no time server. Tokens and relay credentials carry \
         times, and members' devices compare them.",
        "timedatectl set-ntp true";
    Database = "PC-DBS-01", "The database can't be used.",
        "Another process has it open, a newer version wrote it, or the disk or the file is damaged. \
         The message says which.",
        "stop the other process, install the version that wrote it, or restore a backup";
    DatabaseInUse = "PC-DBS-02", "The daemon has the database.",
        "This works only while the daemon doesn't run: there is one owner of the file at a time.",
        "systemctl stop privcomm, then again; and systemctl start privcomm after it";
    DatabaseNewer = "PC-DBS-03", "A newer version of privcomm wrote the database or the backup.",
        "The package was downgraded, or the file comes from a machine with a newer one.",
        "install that version or a newer one, or restore the snapshot from before the upgrade: \
         privcomm backup list, then privcomm restore pre-VERSION";
    DatabaseDamaged = "PC-DBS-04", "The database is damaged.",
        "The disk lost or changed some of it.",
        "look at the disk, then restore the last backup: privcomm backup list, privcomm restore NAME";
    DatabaseMissing = "PC-DBS-05", "There is no database in the state directory.",
        "The daemon was never started with this directory, or keeps its state elsewhere.",
        "name the directory: --data DIR, or store.path in the configuration";
    DiskFull = "PC-DSK-01", "The disk is almost full.",
        "Less than store.disk_floor is free. New messages are refused; delivery and deletion go on.",
        "free some space, or move the state to a larger disk: it recovers by itself";
    DiskSmall = "PC-DSK-02", "The disk will soon be full.",
        "Less than twice store.disk_floor is free.",
        "free some space, or move the state to a larger disk";
    InviteUnknown = "PC-INV-01", "There is no such invite.",
        "No code has an id that begins like this. Codes are forgotten some time after they expire.",
        "privcomm invite list shows the ids";
    InviteAmbiguous = "PC-INV-02", "More than one invite has an id that begins like this.",
        "Any beginning of an id will do that only one invite has.",
        "give more of the id: privcomm invite list";
    HttpAddress = "PC-NET-01", "The web and API side can't listen where it should.",
        "Another program has the port, the address isn't this machine's, or the port needs rights \
         that the daemon doesn't have.",
        "see who has it: ss -tlnp    then stop that, or set server.listen to another address";
    RelayAddress = "PC-NET-02", "The media relay can't start as it is configured.",
        "Another program has the port (another TURN server, often), or a setting can't be used.",
        "see who has it: ss -ulnp    then stop that, or set turn.listen, or turn.enabled = false";
    MetricsAddress = "PC-NET-03", "Figures can't be served where they should.",
        "Another program has the port of telemetry.metrics_listen, or the address isn't this \
         machine's.",
        "see who has it: ss -tlnp    then stop that, or set telemetry.metrics_listen to another address";
    PublicSilent = "PC-NET-04", "The public name does not lead to this daemon.",
        "The name leads nowhere, the tunnel or proxy is down, or it sends requests elsewhere.",
        "look at the tunnel: privcomm tunnel check    or at the proxy's configuration";
    PublicForeign = "PC-NET-05", "What the public name serves is not what this daemon serves.",
        "Another version or another program answers there, or something on the way changes pages.",
        "switch off what rewrites pages on the way (minification, e-mail obfuscation), or correct the rule";
    SocketBroken = "PC-NET-06", "A WebSocket does not hold.",
        "A proxy on the way doesn't pass WebSockets on, or ends those that say little.",
        "let the proxy pass Upgrade on, with a timeout of more than a minute; for cloudflared use an \
         http:// service";
    NotSeenOutside = "PC-NET-07", "Nobody outside has been seen to reach the port.",
        "From the machine itself it can't be told what a router or a firewall before it lets through.",
        "privcomm doctor --outside, and open its link on a phone without Wi-Fi";
    AppearsAsProxy = "PC-NET-08", "Members' addresses are lost on the way.",
        "The proxy doesn't say for whom it asks, or isn't among server.trusted_proxies, so that its word \
         isn't taken. All members then share what limits allow one address. A machine that visits itself \
         through its own router may look like this, too.",
        "let the proxy set X-Forwarded-For, and name the proxy's address in server.trusted_proxies";
    PushUnready = "PC-PSH-01", "Notifications can't be sent as they are configured.",
        "The machine trusts no certificate authority, or the file of push.authorities has none, or the \
         key that push services know this server by can't be read.",
        "apt install ca-certificates    or correct push.authorities, or set push.enabled = false";
    PushNameless = "PC-PSH-02", "Push services aren't told who is responsible.",
        "They are told server.public_url, where it is https. Apple's refuses pushes without it.",
        "privcomm config set server.public_url https://NAME, then: systemctl restart privcomm";
    PushFailing = "PC-PSH-03", "Push services don't take notifications.",
        "They can't be reached from this machine, or refuse what it sends.",
        "see what one answers: privcomm push test USER";
    NoStateDirectory = "PC-STA-01", "There is nowhere to keep state.",
        "Neither store.path nor --data is given, and the environment names no home directory.",
        "privcomm serve --data DIR";
    StateFile = "PC-STA-02", "A file or directory that the daemon needs can't be used.",
        "It is missing, or isn't the daemon's to read or write.",
        "the message names it: put it right with chown and chmod";
    Secrets = "PC-STA-03", "The file of secrets doesn't read as such.",
        "It was changed or cut off.",
        "put it back from a backup";
    SecretsLost = "PC-STA-04", "The secrets are missing, but there is a database beside them.",
        "The file was deleted, or the database was copied alone. New secrets would lock every member \
         out.",
        "put the file back from a backup";
    FileModes = "PC-STA-05", "A file of the daemon can be read or written by others.",
        "Its mode or owner was changed, or it was copied here by hand.",
        "chmod 700 on the state directory, chmod 600 on the files in it, chown to the daemon's user";
    Process = "PC-SYS-01", "The process can't have what it needs of the system.",
        "Threads, signals, the log or standard output are not to be had.",
        "the message says which; look at the limits of the service (systemctl show privcomm)";
    PartFailed = "PC-SYS-02", "A part of the daemon failed.",
        "A bug. The daemon stopped, because half an appliance must not look like a whole one.",
        "keep the log (journalctl -u privcomm), restart, and report it";
    Unfinished = "PC-SYS-03", "The daemon stopped before everything had come to its end.",
        "It was told twice to stop, or something took too long. What was accepted is on disk.",
        "nothing is to be done; look at the log if it comes back";
    Unconfirmed = "PC-SYS-04", "This needs a yes.",
        "It takes something away, and was neither told --yes nor answered y at a terminal.",
        "say it again with --yes";
    LimitsLow = "PC-SYS-05", "The service may hold fewer connections than it is configured for.",
        "The limit of open files is lower than server.max_connections and the relay need.",
        "set LimitNOFILE=65536 in the unit (systemctl edit privcomm), or lower server.max_connections";
    NoJournal = "PC-SYS-06", "There is no journal to read.",
        "The machine doesn't run systemd's journal, this user may not read it, or the daemon was \
         started by hand and logs to its terminal.",
        "sudo privcomm logs    or look where the daemon was started";
    RelayCertificate = "PC-TLS-01", "The media relay has no certificate that it can use for TLS.",
        "turn.tls_listen is set, and turn.tls_cert or turn.tls_key is missing, unreadable, or doesn't \
         belong to the other.",
        "set both to files that the daemon can read, or leave turn.tls_listen out";
    CertificateEnds = "PC-TLS-02", "The certificate of the media relay ends soon, or has ended.",
        "Nothing renewed it.",
        "renew it; a changed file is taken up without a restart";
    RelayOff = "PC-TRN-01", "The media relay is switched off.",
        "turn.enabled is false.",
        "set turn.enabled = true and restart: calls need a relay";
    RelaySecret = "PC-TRN-02", "The secret of the media relay can't be used.",
        "turn.secret_file is missing, empty, too short, of more than one line, or readable by \
         everybody on the machine.",
        "put one line of 16 to 512 characters into it, the same on every box that shares it";
    RelayUnreachable = "PC-TRN-03", "The media relay does not answer.",
        "A firewall drops the port, the address is not the relay's, or the network loses everything.",
        "open UDP and TCP 3478 (and the port of turn.tls_listen) in every firewall on the way";
    RelayRefuses = "PC-TRN-04", "The media relay refuses what a call needs.",
        "The credential is wrong or has expired (compare the clocks), or a quota is reached.",
        "get a new credential: privcomm turn credentials    and look at: privcomm turn allocations";
    RelayLoses = "PC-TRN-05", "The media relay loses packets.",
        "The network on the way is overloaded or the machine is, or allocations are held to less than \
         the test sends (turn.max_bitrate).",
        "test on the machine itself: what is lost there is the machine's, the rest the network's";
    RelayOpen = "PC-TRN-06", "The media relay lets its users reach addresses that it should deny.",
        "It gave a permission for an address of a private network or of this machine.",
        "set turn.relay = \"internal\", or take the address out of turn.allowed_peers";
    RelayTls = "PC-TRN-07", "TLS to the media relay fails.",
        "The certificate has expired, is for another name, or is signed by nobody that this machine \
         trusts; or what listens there speaks no TLS.",
        "renew the certificate of turn.tls_cert; it is taken up without a restart";
    RelaySecretShared = "PC-TRN-08", "The media relay's secret is not the daemon's to change.",
        "turn.secret_file is set: other relays have the same secret, and would refuse what is made with \
         another.",
        "put a new line into turn.secret_file on every box, then restart each: systemctl restart privcomm";
    RelayBuffers = "PC-TRN-09", "The media relay gets smaller buffers than it asks for.",
        "The system bounds them (net.core.rmem_max), so a burst of packets may be lost.",
        "sysctl -w net.core.rmem_max=8388608 net.core.wmem_max=8388608    and put it into /etc/sysctl.d";
    RelayUntold = "PC-TRN-10", "Members aren't told where the media relay is.",
        "It listens on every address of this machine, and the machine had none that leads outside when \
         the daemon started.",
        "systemctl restart privcomm once the network is up, or set turn.public_address";
    TunnelDown = "PC-TUN-01", "The tunnel has no connection.",
        "cloudflared runs and reaches nobody, or its tunnel was deleted.",
        "journalctl -u cloudflared -e    then systemctl restart cloudflared";
    TunnelNoRule = "PC-TUN-02", "The tunnel has no rule for the public name.",
        "No rule's hostname and path match, so that the last rule answers.",
        "privcomm tunnel config HOSTNAME prints the rule that is missing";
    TunnelService = "PC-TUN-03", "The tunnel leads elsewhere than to this daemon.",
        "Its rule names another port, another machine, or a Unix socket, over which WebSockets fail \
         whenever cloudflared falls back to HTTP/2.",
        "set the rule's service to http:// and the address that privcomm ports shows";
    TunnelMedia = "PC-TUN-04", "The tunnel is to carry calls, which it can't.",
        "A public name carries HTTP and WebSocket only. cloudflared takes the rule without complaint, and \
         no browser ever reaches it.",
        "delete the rule; forward UDP and TCP 3478 to this machine instead";
    TunnelLastRule = "PC-TUN-05", "The tunnel's last rule doesn't take everything.",
        "The last rule has a hostname or a path; cloudflared refuses to start with such a file.",
        "add a last rule: - service: http_status:404";
    TunnelUpdates = "PC-TUN-06", "cloudflared restarts itself to update.",
        "Its installation added a daily timer. Each update ends every socket; clients come back by \
         themselves.",
        "systemctl disable --now cloudflared-update.timer    if your system updates it anyhow";
    TunnelFile = "PC-TUN-07", "cloudflared's configuration can't be read.",
        "The file is not this user's to read, or no YAML of the form that cloudflared takes.",
        "run the command with sudo; cloudflared tunnel ingress validate says what is wrong with it";
    UserUnknown = "PC-USR-01", "There is no such member.",
        "Nobody registered under this handle, and no user id begins like this. A handle counts as it \
         was typed at registration, but for case, spaces around it and spellings that look the same.",
        "privcomm user list shows everybody by id; the member's own app shows theirs";
    UserAmbiguous = "PC-USR-02", "More than one member answers to this.",
        "Any beginning of a user id will do that only one member has, and that is nobody's handle.",
        "give more of the id (privcomm user list), or @NAME for the handle";
}

/// A text that is no code of this catalogue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected a code such as PC-ADM-01; `privcomm explain` lists them")]
pub struct UnknownCode;

impl FromStr for Trouble {
    type Err = UnknownCode;

    fn from_str(text: &str) -> Result<Self, UnknownCode> {
        let text = text.trim();
        let known = |trouble: &&Self| trouble.code().eq_ignore_ascii_case(text);
        Self::ALL.iter().find(known).copied().ok_or(UnknownCode)
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl Serialize for Trouble {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code())
    }
}

impl<'de> Deserialize<'de> for Trouble {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_in_order_and_each_stands_once() {
        let codes: Vec<&str> = Trouble::ALL.iter().map(|trouble| trouble.code()).collect();
        assert!(codes.is_sorted_by(|one, next| one < next), "{codes:?}");
    }

    #[test]
    fn a_code_has_one_form() {
        for trouble in Trouble::ALL {
            let parts: Vec<&str> = trouble.code().split('-').collect();
            let [prefix, group, number] = parts[..] else {
                panic!("{trouble}");
            };
            assert_eq!(
                (prefix, group.len(), number.len()),
                ("PC", 3, 2),
                "{trouble}"
            );
            assert!(number.parse::<u8>().is_ok_and(|number| number > 0));
            assert!(trouble.sentence().ends_with('.'), "{trouble}");
            assert!(trouble.cause().ends_with('.'), "{trouble}");
            assert!(!trouble.fix().is_empty());
        }
    }

    #[test]
    fn a_code_is_read_as_it_is_written_or_in_small_letters() {
        assert_eq!("pc-adm-01".parse(), Ok(Trouble::NoDaemon));
        assert_eq!("PC-ADM-99".parse::<Trouble>(), Err(UnknownCode));
        let json = serde_json::to_string(&Trouble::DiskFull).unwrap();
        assert_eq!(json, "\"PC-DSK-01\"");
        assert_eq!(
            serde_json::from_str::<Trouble>(&json).unwrap(),
            Trouble::DiskFull
        );
    }
}

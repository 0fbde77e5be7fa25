//! `privcomm client contacts`

use clap::{Args, Subcommand};
use serde::Serialize;

use super::place::{Place, find};
use crate::base::UserId;
use crate::cli::exit::{CliError, Exit};
use crate::cli::output::{Output, table};
use crate::cli::words::harmless;
use crate::client::{Client, Contact, Error, Trust};
use crate::wire::body::ContactState;

/// See, name, allow and block people
#[derive(Debug, Subcommand)]
#[command(after_help = "\
Who is allowed may call, and hears whether messages arrive. Who is blocked isn't
heard, and can't tell.

Examples:
  privcomm client contacts list
  privcomm client contacts allow ben
  privcomm client contacts accept ben          take ben's new key as it is")]
pub(in crate::cli) enum ContactsCommand {
    List(List),
    Allow(Allow),
    Block(Block),
    Forget(Forget),
    Name(Name),
    Accept(Accept),
    Keep(Keep),
}

/// Everybody that this account knows
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  privcomm client contacts list --json")]
pub(in crate::cli) struct List {
    #[command(flatten)]
    place: Place,
}

macro_rules! deed {
    ($(#[$doc:meta])* $name:ident, $example:literal) => {
        $(#[$doc])*
        #[derive(Debug, Args)]
        #[command(after_help = concat!("Examples:\n  privcomm client contacts ", $example))]
        pub(in crate::cli) struct $name {
            #[command(flatten)]
            who: Who,
        }
    };
}

deed!(
    /// Let somebody call, and hear whether messages arrive
    Allow, "allow ben"
);
deed!(
    /// Hear nothing of somebody any more
    Block, "block mallory"
);
deed!(
    /// Neither allow nor block somebody
    Forget, "forget ben"
);
deed!(
    /// Take somebody's new key as it is, where the old one wasn't verified
    Accept, "accept ben"
);
deed!(
    /// Keep to somebody's old key
    Keep, "keep ben"
);

/// Call somebody by a name, on this device
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  privcomm client contacts name 7c9e6679-7425-40de-944b-e07fc1f90ae7 ben"
)]
pub(in crate::cli) struct Name {
    #[command(flatten)]
    who: Who,

    /// The name
    #[arg(value_name = "NAME")]
    name: String,
}

/// Whom it is about.
#[derive(Debug, Args)]
struct Who {
    #[command(flatten)]
    place: Place,

    /// A handle, a name of your contacts, or a user id
    #[arg(value_name = "WHO")]
    who: String,
}

#[derive(Serialize)]
struct Document {
    contacts: Vec<Contact>,
}

/// Somebody who was changed.
#[derive(Serialize)]
struct Changed {
    user_id: UserId,
}

impl ContactsCommand {
    pub(super) fn run(&self, output: &Output) -> Result<Exit, CliError> {
        match self {
            Self::List(command) => command.run(output),
            Self::Allow(Allow { who }) => who.change(output, async |it, user| it.allow(user).await),
            Self::Block(Block { who }) => who.change(output, async |it, user| it.block(user).await),
            Self::Forget(Forget { who }) => {
                who.change(output, async |it, user| it.forget_state(user).await)
            }
            Self::Name(Name { who, name }) => {
                who.change(output, async |it, user| it.call_them(user, name).await)
            }
            Self::Accept(Accept { who }) => {
                who.change(output, async |it, user| it.accept_identity(user).await)
            }
            Self::Keep(Keep { who }) => {
                who.change(output, async |it, user| it.keep_identity(user).await)
            }
        }
    }
}

impl Who {
    fn change(
        &self,
        output: &Output,
        change: impl AsyncFnOnce(&Client, UserId) -> Result<(), Error>,
    ) -> Result<Exit, CliError> {
        let (client, runtime) = self.place.open()?;
        let user_id = runtime.block_on(async {
            let user = find(&client, &self.who).await?;
            change(&client, user).await?;
            Ok::<_, Error>(user)
        })?;
        if output.is_json() {
            output.show(&Changed { user_id }, String::new)?;
        }
        Ok(Exit::Done)
    }
}

impl List {
    fn run(&self, output: &Output) -> Result<Exit, CliError> {
        let (client, runtime) = self.place.open()?;
        let contacts = runtime.block_on(client.contacts())?;
        let document = Document { contacts };
        output.show(&document, || lines(&document.contacts))?;
        Ok(Exit::Done)
    }
}

fn lines(contacts: &[Contact]) -> String {
    let row = |contact: &Contact| {
        let state = match contact.state {
            None => "",
            Some(ContactState::Allowed) => "allowed",
            Some(ContactState::Blocked) => "blocked",
        };
        let identity = match contact.trust {
            Trust::Unknown => "not seen yet",
            Trust::Unverified => "unverified",
            Trust::Verified => "verified",
            Trust::Changed => "CHANGED",
        };
        let name = contact
            .name
            .as_ref()
            .map(|name| harmless(name))
            .unwrap_or_default();
        [
            name,
            state.to_owned(),
            identity.to_owned(),
            contact.user.to_string(),
        ]
    };
    let rows: Vec<_> = contacts.iter().map(row).collect();
    table(["NAME", "STATE", "IDENTITY", "USER ID"], &rows)
}

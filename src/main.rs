//! The `privcomm` binary: everything it does is in the library.

use std::io::IsTerminal;
use std::process::ExitCode;

use privcomm::cli::{self, Invocation};
use privcomm::telemetry::{self, Colours};

fn main() -> ExitCode {
    telemetry::log_panics();
    let invocation = Invocation::from_arguments();
    cli::run(invocation, |settings| telemetry::start(settings, colours()))
}

/// Colours are for terminals, and for people who have not said no (no-color.org).
fn colours() -> Colours {
    let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    if std::io::stderr().is_terminal() && !refused {
        Colours::On
    } else {
        Colours::Off
    }
}

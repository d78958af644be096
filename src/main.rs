//! The thin binary: everything is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    openclaw_doctor::checks::run::install_panic_hook();
    ExitCode::from(openclaw_doctor::cli::main(std::env::args_os()))
}

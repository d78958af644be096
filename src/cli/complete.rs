//! `completions` and `man`: made from the same definitions as the command line itself.

use super::failure::{Exit, Failure, Outcome};
use super::output;
use clap::{Args, Command};
use std::path::PathBuf;

/// Arguments of `completions`.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  openclaw-doctor completions bash > ~/.local/share/bash-completion/completions/openclaw-doctor
  openclaw-doctor completions fish > ~/.config/fish/completions/openclaw-doctor.fish")]
pub struct CompletionsArgs {
    /// The shell.
    #[arg(value_name = "SHELL", value_enum)]
    pub shell: clap_complete::Shell,
}

/// Arguments of `man`.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  openclaw-doctor man | man -l -
  openclaw-doctor man --output /usr/local/share/man/man1   a page for every command too")]
pub struct ManArgs {
    /// The page of this command, for example `fix`.
    #[arg(value_name = "COMMAND")]
    pub command: Option<String>,
    /// Write every page into DIR.
    #[arg(long, value_name = "DIR", conflicts_with = "command")]
    pub output: Option<PathBuf>,
}

/// Runs `completions`.
///
/// # Errors
/// Output that can't be written.
pub fn completions(args: &CompletionsArgs, mut command: Command) -> Outcome {
    let mut text = Vec::new();
    clap_complete::generate(args.shell, &mut command, env!("CARGO_PKG_NAME"), &mut text);
    if args.shell == clap_complete::Shell::Bash {
        // clap_complete 4.6 takes the hyphen of the program's name for the one before a subcommand in half of the
        // labels, so that no option of a command would complete.
        let script = String::from_utf8_lossy(&text).replace("openclaw__subcmd__doctor", "openclaw__doctor");
        text = script.into_bytes();
    }
    output::write(&text, None)?;
    Ok(Exit::Ok)
}

/// Runs `man`.
///
/// # Errors
/// A command that does not exist, output that can't be written.
pub fn man(args: &ManArgs, mut command: Command) -> Outcome {
    // Gives subcommands their full names.
    command.build();
    if let Some(folder) = &args.output {
        std::fs::create_dir_all(folder).map_err(|error| Failure::io(format!("make {}", folder.display()), &error))?;
        for (name, page) in pages(&command)? {
            output::write(&page, Some(&folder.join(format!("{name}.1"))))?;
        }
        return Ok(Exit::Ok);
    }
    let wanted = match &args.command {
        None => &command,
        Some(name) => command.find_subcommand(name).ok_or_else(|| {
            Failure::new("usage", format!("there is no command `{name}`")).hint("openclaw-doctor --help lists them")
        })?,
    };
    output::write(&page(wanted)?, None)?;
    Ok(Exit::Ok)
}

/// Name and text of every page: the program's, then one for each command.
fn pages(command: &Command) -> Result<Vec<(String, Vec<u8>)>, Failure> {
    let commands = command.get_subcommands().filter(|command| command.get_name() != "help");
    std::iter::once(command)
        .chain(commands)
        .map(|command| {
            let name = command.get_display_name().unwrap_or(command.get_name()).to_owned();
            Ok((name, page(command)?))
        })
        .collect()
}

fn page(command: &Command) -> Result<Vec<u8>, Failure> {
    let mut text = Vec::new();
    let page = clap_mangen::Man::new(command.clone());
    page.render(&mut text).map_err(|error| Failure::io("write the man page", &error))?;
    Ok(text)
}

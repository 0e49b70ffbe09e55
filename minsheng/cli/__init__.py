"""The command line. One module a group of commands; heavy imports happen inside the commands, so that help is quick."""

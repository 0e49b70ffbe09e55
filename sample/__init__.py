"""The sample world: policies, plans and three days of what people say about them in an invented province.

`sample/world` holds the texts, with times as distances from "now"; `sample.site` serves them as the kinds of sites that
Minsheng crawls; `sample.load` puts policies, plans and sources into a data folder.
"""

DEFAULT_PORT = 8642
"""Where the sample site is served unless told otherwise."""

DEFAULT_MAIL_PORT = 8643
"""Where its mailbox is."""

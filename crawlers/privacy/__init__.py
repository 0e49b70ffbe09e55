"""Privacy at the door: what is masked or hashed before anything of a document is written anywhere."""

from crawlers.privacy.author_keys import KEY_FILE, AuthorKeys, KeyFiles, author_keys
from crawlers.privacy.masking import mask, mask_names
from crawlers.privacy.named_accounts import NOBODY, NamedAccounts

__all__ = ["KEY_FILE", "NOBODY", "AuthorKeys", "KeyFiles", "NamedAccounts", "author_keys", "mask", "mask_names"]

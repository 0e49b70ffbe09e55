"""Which lines of a page are its article: structure, link density, and the words of Chinese pages.

The road of a page: what is no article by its name, its links or its repetition is dropped (`surroundings`); the element
that holds most of the running text after the headline is entered as long as one child holds nearly all of it
(`main_block`); what stands around the text in that element is cut by its words (`edges`). `article` goes this road, and
knows the pages that have another one: a table alone, a few words, a question over its answers. Each step marks lines of
the outline and changes nothing else.
"""

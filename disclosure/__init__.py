"""Disclosure on application (依申请公开): what was asked for, by when it is to be answered, and how it was.

The terms are those of the Regulations on Open Government Information (政府信息公开条例, State Council Order No. 711).
Nobody's identity is kept: who asked is left out when a file is read, see `disclosure.reading`.
"""

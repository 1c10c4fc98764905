"""The second look: what was released is read again, as bytes and as pictures, by code of its own."""

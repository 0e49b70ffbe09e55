"""Consultations (征求意见): a draft, what people said on it, what was taken up, and the clock for saying so."""

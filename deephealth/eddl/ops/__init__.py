"""What layers compute: small torch modules with EDDL's parameters, formulas and backward passes."""

"""The words the sample company uses: written for this generator, about nobody real."""

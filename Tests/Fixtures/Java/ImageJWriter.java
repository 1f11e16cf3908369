import ij.CompositeImage;
import ij.IJ;
import ij.ImagePlus;
import ij.ImageStack;
import ij.io.FileSaver;
import ij.process.ByteProcessor;
import ij.process.LUT;
import ij.process.ShortProcessor;
import java.awt.Color;
import java.io.File;

/**
 * Files as ImageJ writes them: `java -cp ij.jar ImageJWriter.java FILE...`.
 *
 * Each is made as its name says: a hyperstack of 13 x 11 pixels, 2 channels, 3 slices and 2 frames in the mode `composite`,
 * `color` or `grayscale`, with tables of colors of its own where the name has `luts`; or a `mask` of 13 x 11 pixels and 3 slices with
 * an inverting table, 255 where x + y + z is a multiple of 3. Voxel (t, c, z, y, x) of a hyperstack is
 * (((2 t + c) 3 + z) 11 + y) 13 + x.
 */
public class ImageJWriter {
    public static void main(String[] paths) {
        for (String path : paths) {
            String name = new File(path).getName();
            ImagePlus image = name.contains("mask") ? mask() : hyperstack(name);
            if (image.getStackSize() > 1) new FileSaver(image).saveAsTiffStack(path);
            else new FileSaver(image).saveAsTiff(path);
        }
    }

    private static ImagePlus hyperstack(String name) {
        ImageStack stack = new ImageStack(13, 11);
        for (int t = 0; t < 2; t++)
            for (int z = 0; z < 3; z++)
                for (int c = 0; c < 2; c++) {
                    ShortProcessor plane = new ShortProcessor(13, 11);
                    for (int i = 0; i < 143; i++) plane.set(i, ((2 * t + c) * 3 + z) * 143 + i);
                    stack.addSlice("t" + t + " z" + z + " c" + c + " \u00b5", plane);
                }
        ImagePlus image = new ImagePlus("cells", stack);
        image.setDimensions(2, 3, 2);
        image.setOpenAsHyperStack(true);
        int mode = name.contains("composite") ? IJ.COMPOSITE : name.contains("color") ? IJ.COLOR : IJ.GRAYSCALE;
        CompositeImage shown = new CompositeImage(image, mode);
        if (name.contains("luts")) {
            shown.setChannelLut(LUT.createLutFromColor(new Color(255, 128, 0)), 1);
            byte[] level = new byte[256];
            byte[] dark = new byte[256];
            for (int i = 0; i < 256; i++) {
                level[i] = (byte) Math.max(0, 2 * i - 255);
                dark[i] = (byte) (i / 3);
            }
            shown.setChannelLut(new LUT(dark, level, level), 2);
        }
        shown.setPosition(1, 1, 1);
        shown.setDisplayRange(10, 600);
        shown.setPosition(2, 1, 1);
        shown.setDisplayRange(5, 99);
        shown.setProperty("Info", "LensNA = 1.3\nWhat else there is: \u00b5m, 100 %\n");
        shown.getCalibration().frameInterval = 2.5;
        shown.getCalibration().setUnit("micron");
        shown.getCalibration().pixelWidth = 0.125;
        shown.getCalibration().pixelHeight = 0.25;
        shown.getCalibration().pixelDepth = 0.5;
        return shown;
    }

    private static ImagePlus mask() {
        ImageStack stack = new ImageStack(13, 11);
        for (int z = 0; z < 3; z++) {
            ByteProcessor plane = new ByteProcessor(13, 11);
            for (int i = 0; i < 143; i++) plane.set(i, (i % 13 + i / 13 + z) % 3 == 0 ? 255 : 0);
            stack.addSlice(plane);
        }
        ImagePlus image = new ImagePlus("mask", stack);
        image.getProcessor().invertLut();
        stack.setColorModel(image.getProcessor().getColorModel());
        image.setStack(stack);
        return image;
    }
}

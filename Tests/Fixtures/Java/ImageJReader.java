import ij.CompositeImage;
import ij.IJ;
import ij.ImagePlus;
import ij.io.FileOpener;
import ij.io.Opener;
import ij.measure.Calibration;
import ij.process.ImageProcessor;
import ij.process.LUT;
import java.io.BufferedOutputStream;
import java.io.File;
import java.io.FileOutputStream;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Properties;
import java.util.TreeSet;

/**
 * What ImageJ finds in files: `java -cp ij.jar ImageJReader.java FILE...`.
 *
 * Prints a line of JSON a file, and writes the voxels of all planes in ImageJ's order to FILE.imagej, as 32-bit floats, the
 * lowest byte first. A file of more than 1 GiB is opened as a virtual stack, and gives the first voxel of each plane.
 */
public class ImageJReader {
    public static void main(String[] paths) throws Exception {
        for (String path : paths) {
            boolean isLarge = new File(path).length() > 1L << 30;
            ImagePlus image = isLarge ? IJ.openVirtual(path) : new Opener().openImage(path);
            if (image == null) {
                System.out.println("{\"opened\": false}");
                continue;
            }
            try (OutputStream output = new BufferedOutputStream(new FileOutputStream(path + ".imagej"))) {
                for (int plane = 1; plane <= image.getStackSize(); plane++) {
                    ImageProcessor voxels = image.getStack().getProcessor(plane);
                    int count = isLarge ? 1 : voxels.getPixelCount();
                    ByteBuffer bytes = ByteBuffer.allocate(4 * count).order(ByteOrder.LITTLE_ENDIAN);
                    for (int i = 0; i < count; i++) bytes.putFloat(voxels.getf(i));
                    output.write(bytes.array());
                }
            }
            Calibration size = image.getCalibration();
            System.out.printf(
                "{\"opened\": true, \"planes\": %d, \"bits\": %d, \"width\": %d, \"height\": %d, \"channels\": %d, "
                    + "\"slices\": %d, \"frames\": %d, \"spacing\": [%s, %s, %s], \"unit\": \"%s\", \"interval\": %s, "
                    + "\"least\": %s, \"most\": %s, \"ranges\": [%s], \"tables\": [%s], \"labels\": [%s], \"info\": %s, "
                    + "\"mode\": \"%s\", \"invertsTable\": %b, \"provenance\": {%s}}%n",
                image.getStackSize(), image.getBitDepth(), image.getWidth(), image.getHeight(), image.getNChannels(),
                image.getNSlices(), image.getNFrames(), size.pixelDepth, size.pixelHeight, size.pixelWidth, size.getUnit(),
                size.frameInterval, image.getDisplayRangeMin(), image.getDisplayRangeMax(), ranges(image), tables(image),
                labels(image), quoted((String) image.getProperty("Info")),
                image.isComposite() ? ((CompositeImage) image).getModeAsString() : "", image.isInvertedLut(),
                provenance(image));
        }
    }

    /** What each channel shows black and white. */
    private static String ranges(ImagePlus image) {
        StringBuilder result = new StringBuilder();
        for (int c = 1; image.isComposite() && c <= image.getNChannels(); c++) {
            LUT table = ((CompositeImage) image).getChannelLut(c);
            result.append(c > 1 ? ", " : "").append("[" + table.min + ", " + table.max + "]");
        }
        return result.toString();
    }

    /** The color tables of the channels, as hexadecimal numbers. */
    private static String tables(ImagePlus image) {
        StringBuilder result = new StringBuilder();
        for (int c = 1; image.isComposite() && c <= image.getNChannels(); c++) {
            result.append(c > 1 ? ", " : "").append('"');
            for (byte value : ((CompositeImage) image).getChannelLut(c).getBytes()) result.append(String.format("%02x", value));
            result.append('"');
        }
        return result.toString();
    }

    private static String labels(ImagePlus image) {
        StringBuilder result = new StringBuilder();
        for (int i = 1; i <= image.getStackSize(); i++)
            result.append(i > 1 ? ", " : "").append(quoted(image.getStack().getSliceLabel(i)));
        return result.toString();
    }

    /** What the description says of how the image came about. */
    private static String provenance(ImagePlus image) {
        Properties lines = new FileOpener(image.getOriginalFileInfo()).decodeDescriptionString(image.getOriginalFileInfo());
        StringBuilder result = new StringBuilder();
        for (String key : new TreeSet<String>(lines == null ? new TreeSet<String>() : lines.stringPropertyNames()))
            if (key.startsWith("gpudeconv."))
                result.append(result.length() > 0 ? ", " : "")
                    .append(quoted(key.substring(10))).append(": ").append(quoted(lines.getProperty(key)));
        return result.toString();
    }

    private static String quoted(String text) {
        if (text == null) return "null";
        StringBuilder result = new StringBuilder("\"");
        for (char c : text.toCharArray()) {
            if (c == '"' || c == '\\' || c < ' ' || c > '~') result.append(String.format("\\u%04x", (int) c));
            else result.append(c);
        }
        return result.append('"').toString();
    }
}
